import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('runs methods on their instance', async (context) => {
    const { code, stdout } = await run(['examples/06-decorators/main.ts'], await broker(context));

    expect(stdout).toBe(
      '"hello" is on its way to ada@example.com\n' +
        '"your digest" is on its way to bob@example.com by task mail.digest, attempt 1\n',
    );
    expect(code).toBe(0);
  });
});
