import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('prints 5 and 6', async (context) => {
    const { code, stdout } = await run(['examples/03-first-program/main.ts'], await broker(context));

    expect(stdout).toBe('5\n6\n');
    expect(code).toBe(0);
  });
});
