import { expect, it } from 'vitest';
import type { Lock } from '../src/index.ts';
import { createTestClock } from '../src/testing.ts';
import { BeatBench } from './beat-bench.ts';

it('a lock whose grant comes when its time is over is asked for again', async () => {
  const clock = createTestClock();
  const bench = new BeatBench(clock);
  const app = bench.app();
  await (await app.lock('other')).release(); // the stores are open
  app.process.pause();
  const locks: Lock[] = [];
  const waiting = app.lock('x', { ttl: '1s', wait: '10s' }).then((lock) => locks.push(lock));
  await clock.advance(2_000);
  app.process.resume();
  for (let step = 0; step < 10; step += 1) await clock.advance(50);
  await waiting;
  expect(locks[0]?.held).toBe(true);
  await locks[0]?.release();
  await bench.close();
});
