import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('every worker of the queue runs it once and answers; one that closed is not sent to', async (context) => {
    const { code, stdout, stderr } = await run(['examples/17-broadcast/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'sent to north and south',
      'north: cleared 1',
      'south: cleared 1',
      'after north has closed: sent to south',
      'app.broadcast: "cache-fan" is no broadcast queue: did you mean "cache-fanout"?',
    ]);
  });
});
