import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('each pattern does what its comment says', { timeout: 60_000 }, async (context) => {
    const { code, stdout, stderr } = await run(['examples/26-workflow-patterns/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'no cars in Oslo',
      'hotel, flight, no flight, no hotel',
      '500: Ada',
      '5: the clock',
      'ready after 3 looks',
      '506',
      'the third is enough here',
      'report 1, report 2, report 3',
      '12',
    ]);
  });
});
