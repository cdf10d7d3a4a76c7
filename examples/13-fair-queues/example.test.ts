import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('serves tenants by their weights, not by their backlogs', async (context) => {
    const { code, stdout, stderr } = await run(['examples/13-fair-queues/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'when the 20 of gold are done, small has had half as many: true',
      'and all of small are done before the backlog: true',
    ]);
  });
});
