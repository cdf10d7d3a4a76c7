import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('twelve calls make six runs', async (context) => {
    const { code, stdout, stderr } = await run(['examples/14-unique/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      "unique: the second call has the first one's result: true",
      'reject: TaskNotUniqueError',
      '  revoked (replaced)',
      '  render home v2',
      '  revoked (replaced)',
      '  revoked (replaced)',
      '  save hello',
      'throttle: refresh feed, and again: refresh feed',
      'idempotent: charge o-1, and again: charge o-1',
      'runs: charge o-1, refresh feed, render home v2, report may, save hello, sync north',
    ]);
  });
});
