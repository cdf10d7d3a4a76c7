import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('an agent goes on in another worker, repeats no call, and its reader goes on where he was', {
    timeout: 60_000,
  }, async (context) => {
    const { code, stdout, stderr } = await run(['examples/25-agent/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ')[0]).slice(0, 8)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
    expect(lines.slice(-2)).toEqual([
      'Oslo 12 °C, Rome 12 °C, Lima 12 °C: pack for 3 days',
      '4 calls of the model, 3 of tools',
    ]);
  });
});
