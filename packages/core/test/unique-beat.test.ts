import { expect, it } from 'vitest';
import { startBeat } from '../src/beat.ts';
import { sleep } from '../src/clock.ts';
import { every, Lovage, type UniqueOptions } from '../src/index.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';

/** Fires a task of 2.5 s every second for half a minute. */
async function beat(unique: UniqueOptions | undefined) {
  const clock = createTestClock();
  const app = new Lovage('beats', { broker: 'memory://', clock, logger: silentLogger });
  const seen = { runs: 0, running: 0, most: 0 };
  const poll = app.task({ name: 'poll', ...(unique ? { unique } : {}) }, async () => {
    seen.runs += 1;
    seen.most = Math.max(seen.most, ++seen.running);
    await sleep(clock, 2_500);
    seen.running -= 1;
  });
  app.schedule('poll', every('1s'), poll.s());
  await startWorker(app, { concurrency: 10 });
  const starting = startBeat(app, { elect: false });
  await clock.advance(30_000);
  const { fired } = (await starting).health();
  const closing = app.close();
  await clock.advance(60_000);
  await closing;
  return { ...seen, fired };
}

it.each([{ onConflict: 'reuse' }, { onConflict: 'reject' }] as const)(
  'a slot whose task is there still is answered by it, or dropped, and beat goes on: %j',
  async (unique) => {
    const { runs, most, fired } = await beat(unique);
    expect(most).toBe(1);
    expect(fired).toBeGreaterThan(25);
    expect(runs).toBeGreaterThan(7);
    expect(runs).toBeLessThan(13);
  },
);

it('control: without the rule the slots run side by side', async () => {
  const { runs, most } = await beat(undefined);
  expect(most).toBeGreaterThan(1);
  expect(runs).toBeGreaterThan(25);
});
