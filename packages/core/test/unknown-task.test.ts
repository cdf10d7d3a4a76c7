import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { Inspector } from '../src/inspect/inspector.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

it('the grace for an unknown task begins anew once a worker has known it', async () => {
  const clock = createTestClock();
  const options = { broker: 'memory://unknown', logger: silentLogger, clock } as const;
  const [ignorant, knowing] = [new Lovage('ignorant', options), new Lovage('knowing', options)];
  knowing.task({ name: 'work', bind: true }, (self) =>
    self.retries === 0 ? self.retry({ countdown: '1h' }) : 'done at last',
  );
  const delayed = async (): Promise<boolean> => (await new Inspector(knowing).queues(['default']))[0]?.delayed === 1;
  const first = await startWorker(ignorant);
  const result = await knowing.sendTask('work');
  await until(delayed, { what: 'its way back from the worker that does not know it' });
  await first.close();
  const second = await startWorker(knowing);
  await clock.advance(1_000);
  await until(async () => (await result.state()) === 'RETRY' && delayed(), { what: 'its retry' });
  await second.close();
  const third = await startWorker(ignorant);
  await clock.advance(3_600_000);
  await until(delayed, { what: 'its way back again' });
  await third.close();
  await startWorker(knowing);
  await clock.advance(1_000);
  expect(await result.get({ timeout: '5s' })).toBe('done at last');
  await Promise.all([ignorant.close(), knowing.close()]);
});
