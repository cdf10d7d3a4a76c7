import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('one beat leads, the other takes over, no slot runs twice, and clocks change as told', async (context) => {
    const { code, stdout, stderr } = await run(['examples/10-beat/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'first leads: true, second leads: false',
      'first leads: false, second leads: true',
      'slots that ran twice: 0',
      'at run time',
      '  added: every 1h, active',
      '  hello world',
      '  paused: paused',
      '  left: nightly, tick',
      '02:30 in Paris around the change of clocks, 28 March 2027',
      '  2027-03-27 02:30',
      '  2027-03-28 03:00',
      '  2027-03-29 02:30',
    ]);
  });
});
