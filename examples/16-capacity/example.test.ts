import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('measures a worker under load', async (context) => {
    const { code, stdout, stderr } = await run(['examples/16-capacity/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [load = '', utilisation = '', mean = '', p95 = '', needed = ''] = stdout.trimEnd().split('\n');
    expect(load).toMatch(/^4 slots, \d+ calls a second of \d+\.\d ms each$/);
    expect(Number(/(\d+) %/.exec(utilisation)?.[1])).toBeGreaterThan(10); // how much more, the machine decides
    expect(mean).toMatch(/^mean wait: predicted .* ms, measured \d+\.\d ms$/);
    expect(p95).toMatch(/^95 of 100 wait no longer than: predicted .* ms, measured \d+\.\d ms$/);
    expect(Number(/^slots for 20 ms: (\d+)$/.exec(needed)?.[1])).toBeGreaterThanOrEqual(2);
  });
});
