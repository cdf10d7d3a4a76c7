import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { chain } from '../src/canvas/chain.ts';
import { gate } from '../src/canvas/gate.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { startWorker } from '../src/worker.ts';
import { createCrashingDriver, type Fate } from './crashing-driver.ts';

const seed = Number(process.env['CANVAS_SEED'] ?? 20_261_126);

/** Deaths in half of the deliveries, after any number of steps of the store. */
function createFate(luck: number): Fate {
  let state = luck >>> 0;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return {
    next: () => ({
      steps: draw(2) === 0 ? 1 + draw(10) : undefined,
      lastCounts: draw(2) === 0,
      ackLost: draw(6) === 0,
    }),
  };
}

/** Somebody decides about when the gate's time is over; whoever is first, everybody sees the same. */
async function race(luck: number, wait: number): Promise<string> {
  const driver = createCrashingDriver(createFate(luck), () => {});
  const app = new Lovage('gates', { broker: `crashing://${newTaskId()}`, drivers: [driver], logger: silentLogger });
  try {
    const seen = new Set<unknown>();
    const note = app.task('note', (value: unknown) => {
      seen.add(value);
      return value;
    });
    for (let worker = 0; worker < 5; worker++) await startWorker(app, { concurrency: 4, crashBudget: 100, drain: 1 });
    const result = await chain(note.si(0), gate('g', { timeout: 15, default: 'nobody' }), note.s()).delay();
    await new Promise((resolve) => setTimeout(resolve, wait));
    const decided = await app.resolveGate((result.parent as { id: string }).id, 'somebody').then(
      () => 'somebody',
      () => 'nobody',
    );
    expect(await result.get({ timeout: 5_000 })).toBe(decided);
    expect([...seen]).toEqual([0, decided]);
    return decided;
  } finally {
    const closing = app.close();
    const burial = setInterval(driver.end, 5);
    await closing;
    clearInterval(burial);
  }
}

it(`whatever dies when, a gate is decided once and nothing hangs (CANVAS_SEED=${seed})`, {
  timeout: 60_000,
}, async () => {
  const outcomes = new Set<string>();
  const check = fc.asyncProperty(fc.integer(), fc.integer({ min: 0, max: 30 }), async (luck, wait) => {
    outcomes.add(await race(luck, wait));
  });
  await fc.assert(check, { seed, numRuns: 60, verbose: 1 });
  expect([...outcomes].sort()).toEqual(['nobody', 'somebody']);
});
