import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('orders wait without a worker; one is shipped, the other refunded', { timeout: 60_000 }, async (context) => {
    const { code, stdout, stderr } = await run(['examples/24-order-workflow/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'true',
      '{"label":"label of tea","by":"Ada"}',
      'not approved by Ada',
      'charged 300, refunded 9000000',
      'charge → approved → refund',
    ]);
  });
});
