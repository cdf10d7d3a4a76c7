import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('books in order, closes an account after a failure, and opens it again', async (context) => {
    const { code, stdout, stderr } = await run(['examples/12-ordering/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'a: 1 2 3 4 5',
      'b: 1 2 3 4 5',
      'c: 1 2 3 4 5',
      'closed: account.book a',
      'a: 1 2 3 4 5',
      'a, resumed: 1 2 3 4 5 6',
    ]);
  });
});
