import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('runs two calls of a tenant at once, and other tasks beside them', async (context) => {
    const { code, stdout, stderr } = await run(['examples/11-concurrency-keys/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'another task meanwhile: pong',
      'some are held: true',
      'done: 36',
      '  acme: at most 2 at once',
      '  globex: at most 2 at once',
      '  initech: at most 2 at once',
    ]);
  });
});
