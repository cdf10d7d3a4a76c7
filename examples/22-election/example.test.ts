import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('one leads, is told to stop, and the next one follows at once with a larger fence', async (context) => {
    const { code, stdout, stderr } = await run(['examples/22-election/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'anna leads, with a larger fence',
      'anna leads: true, ben leads: false',
      'anna was told to stop',
      'ben leads, with a larger fence',
      'ben followed within half a second: true',
      'ben was told to stop',
      'carl leads, with a larger fence',
      'three leaders, and the fence grew by one each',
      'carl was told to stop',
    ]);
  });
});
