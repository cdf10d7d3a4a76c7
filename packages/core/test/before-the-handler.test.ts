import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { silentLogger } from '../src/logger.ts';
import { deferred } from '../src/testing/until.ts';
import type { Middleware } from '../src/worker/middleware/middleware.ts';
import { startWorker } from '../src/worker/start-worker.ts';

/** A worker with an attempt whose handler has not begun: a middleware holds it up, until the gate opens. */
async function holdUp() {
  const app = new Lovage('held', { broker: 'memory://', logger: silentLogger });
  let runs = 0;
  const work = app.task('work', () => void runs++);
  const there = deferred();
  const gate = deferred();
  const ended = deferred<string>();
  const holding: Middleware = {
    name: 'holding',
    async run(_attempt, next) {
      there.resolve();
      await gate.promise;
      const result = await next();
      ended.resolve(result.state);
      return result;
    },
  };
  const worker = await startWorker(app, { middleware: [holding] });
  const result = await work.delay();
  await there.promise;
  return { app, worker, result, gate, ended, runs: () => runs };
}

it('a task that is terminated before its handler begins is not begun', async () => {
  const { app, result, gate, ended, runs } = await holdUp();
  await app.control.terminate(result.id, { timeout: 50 });
  gate.resolve();
  expect([await ended.promise, runs(), await result.state()]).toEqual(['REVOKED', 0, 'REVOKED']);
  await app.close();
});

it('a task that is aborted by the end of its worker before its handler begins is not begun', async () => {
  const { app, worker, result, gate, ended, runs } = await holdUp();
  const closing = worker.close({ drain: 0 });
  setTimeout(gate.resolve, 100); // within what those that heed their abort get
  expect([await ended.promise, runs()]).toEqual(['RELEASED', 0]);
  expect(await closing).toEqual({ released: 1, abandoned: 0 });
  expect(await result.state()).toBe('SENT');
  await app.close();
});
