import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { runtimeOf } from '../src/app/app-runtime.ts';
import { silentLogger } from '../src/logger.ts';
import { isFinal } from '../src/message/outcome.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { until } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';
import { canvases, defineModel, expected, interpret, type Node, verdictOf } from './canvas-model.ts';
import { createCrashingDriver, type Fate } from './crashing-driver.ts';

const seed = Number(process.env['CANVAS_SEED'] ?? 20_261_123);
const runs = Number(process.env['CANVAS_RUNS'] ?? 80);

describe(`canvas against its model (CANVAS_SEED=${seed} CANVAS_RUNS=${runs})`, { timeout: 120_000 }, () => {
  it('without deaths, random canvases come to what they mean', async () => {
    const check = fc.asyncProperty(canvases, (canvas) => examine(canvas, longLives));
    await fc.assert(check, { seed, numRuns: runs, verbose: 1, interruptAfterTimeLimit: 100_000 });
  });

  it.each([false, true])(
    'with workers that die at every step (joins ride on acks: %s), random canvases come to what they mean',
    async (joins) => {
      const check = fc.asyncProperty(canvases, fc.integer(), (canvas, luck) =>
        examine(canvas, { ...createFate(luck), joins }),
      );
      await fc.assert(check, { seed, numRuns: runs, verbose: 1, interruptAfterTimeLimit: 100_000 });
    },
  );
});

/** Sends the canvas, and looks at its outcome and at every id that was ever written. */
async function examine(canvas: Node, fate: Fate): Promise<void> {
  const written = new Set<string>();
  const ends: string[] = [];
  const driver = createCrashingDriver(
    fate,
    (id) => written.add(id),
    (id) => ends.push(id),
  );
  const app = new Lovage('model', { broker: `crashing://${newTaskId()}`, drivers: [driver], logger: silentLogger });
  try {
    const build = defineModel(app);
    for (let worker = 0; worker < 5; worker++) await startWorker(app, { concurrency: 4, crashBudget: 100, drain: 1 });
    const whole: Node = canvas.kind === 'task' ? { kind: 'chain', steps: [canvas] } : canvas; // one plain task is no canvas
    const result = await build(whole).applyAsync([0]);
    expect(await verdictOf(app, result)).toEqual(expected(interpret(canvas, 0)));
    let left: readonly string[] = [];
    const over = async (): Promise<boolean> => {
      left = await notEnded(app, written);
      return left.length === 0;
    };
    expect(ends.length, 'outcomes recorded').toBe(new Set(ends).size);
    await until(over, { timeout: 5000, what: () => `every id to end, ${left} have not` });
  } finally {
    const closing = app.close();
    const burial = setInterval(driver.end, 5);
    await closing;
    clearInterval(burial);
  }
}

/** Every id has ended, or is gone: the plans of callbacks and replaced tasks are let go. */
async function notEnded(app: Lovage, ids: ReadonlySet<string>): Promise<readonly string[]> {
  const { results } = await runtimeOf(app).stores.open();
  const records = (await results?.get([...ids])) ?? [];
  return records.flatMap((record) =>
    record === undefined || isFinal(record) ? [] : [`${record.id} (${record.state})`],
  );
}

const longLives: Fate = { next: () => ({ steps: undefined, lastCounts: true, ackLost: false }) };

/** Deaths in a third of the deliveries, drawn from a small generator so that a run can be repeated. */
function createFate(luck: number): Fate {
  let state = luck >>> 0;
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return {
    next: () => ({
      steps: draw(3) === 0 ? 1 + draw(12) : undefined,
      lastCounts: draw(2) === 0,
      ackLost: draw(6) === 0,
    }),
  };
}
