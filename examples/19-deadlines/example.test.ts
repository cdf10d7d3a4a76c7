import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('hands the deadline on, tells a handler that its caller has left, and starts nothing too late', async (context) => {
    const { code, stdout, stderr } = await run(['examples/19-deadlines/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'nobody works yet: ResultTimeoutError',
      'quote: a caller waits at most 2 s',
      'price, called by quote, has its deadline: true',
    ]);
    expect([...lines.slice(3, 5)].sort()).toEqual(['slow: DeadlineExceeded', 'the caller of slow has left']);
    expect(lines.slice(5)).toEqual(['late: begun 0 times, revoked (expired)']);
  });
});
