import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('answers, and says how long it took', async (context) => {
    const { code, stdout } = await run(['examples/04-request-reply/main.ts'], await broker(context));

    expect(stdout).toMatch(
      /^Hello, world\nHello, Redis\nHello, and goodbye\nround trip: \d+\.\d\d ms, \d+\.\d\d ms, \d+\.\d\d ms\n$/,
    );
    expect(code).toBe(0);
  });
});
