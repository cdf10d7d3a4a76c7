import { expect, it } from 'vitest';
import { onEachBroker, run } from '../test/support.ts';

onEachBroker((broker) => {
  it('a holder that was paused is refused by the resource', async (context) => {
    const { code, stdout, stderr } = await run(['examples/21-fenced-resource/main.ts'], await broker(context));

    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'slow: holds the lock: true',
      'quick: wrote 150 under fence 1',
      'slow: refused: fence 0 after 1',
      'slow: holds the lock: false, lost it',
      'balance: 150',
    ]);
  });
});
