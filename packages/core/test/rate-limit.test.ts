import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { runtimeOf } from '../src/app/app-runtime.ts';
import type { RateLimiter, RateRequest } from '../src/driver/rate-limiter.ts';
import { Inspector } from '../src/inspect/inspector.ts';
import { silentLogger } from '../src/logger.ts';
import { deferred, until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

it('a task that is revoked while it asks for its moment is not run when that comes', async () => {
  await using app = new Lovage('limited', { broker: 'memory://', logger: silentLogger });
  let runs = 0;
  const limited = app.task({ name: 'limited', rateLimit: '1/s' }, () => void runs++);
  const asked = deferred();
  const gate = deferred();
  const { brokerConnection } = await runtimeOf(app).stores.open();
  const limiter = brokerConnection.limits as RateLimiter;
  const enter = limiter.enter.bind(limiter);
  Object.assign(limiter, {
    async enter(task: string, request: RateRequest) {
      asked.resolve();
      await gate.promise;
      await enter(task, { ...request, candidates: [{ queue: 'default', id: 'another', priority: 0 }] });
      return enter(task, request);
    },
  });
  await startWorker(app);
  const result = await limited.applyAsync([], { countdown: 1 }); // so that its worker asks, not its call
  await asked.promise;
  await result.revoke();
  gate.resolve();
  const idle = async (): Promise<boolean> => {
    const [queue] = await new Inspector(app).queues(['default']);
    return queue !== undefined && queue.waiting + queue.delayed + queue.running === 0;
  };
  await until(idle, { what: 'an empty queue' });
  expect([runs, await result.state()]).toEqual([0, 'REVOKED']);
});
