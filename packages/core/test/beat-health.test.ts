import { expect, it } from 'vitest';
import { startBeat } from '../src/beat/beat.ts';
import { createTestClock } from '../src/testing.ts';
import { BeatBench } from './beat-bench.ts';

it('a beat is not well while it should fire and the store does not answer', async () => {
  const clock = createTestClock();
  const bench = new BeatBench(clock);
  const app = bench.app();
  const beat = await startBeat(app, { elect: false });
  for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
  expect(beat.health().healthy).toBe(true);
  app.process.kill();
  app.process.resume(); // its requests are refused, and answered
  for (let second = 0; second < 20; second += 1) await clock.advance(1_000);
  expect(beat.health()).toMatchObject({ leading: true, healthy: false });
  await bench.close();
});
