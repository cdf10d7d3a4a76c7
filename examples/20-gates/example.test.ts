import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('gates wait without workers, are decided from elsewhere, once, and have a default', async (context) => {
    const { code, stdout, stderr } = await run(['examples/20-gates/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'approval: tea for 3',
      'approval: gold for 90000',
      'shipped to Paris, says Ada',
      'gate "approval" failed: GateRejectedError: the gate was rejected: too dear',
      'GateDecidedError',
      '{"item":"no answer","cents":0}',
    ]);
  });
});
