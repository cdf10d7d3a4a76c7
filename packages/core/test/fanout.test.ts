import { expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { runtimeOf } from '../src/app/app-runtime.ts';
import { bookOf, memberTtl } from '../src/app/broadcast-members.ts';
import { silentLogger } from '../src/logger.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const conf = { broadcastQueues: ['fanout'] };

it('a worker that died counts for half a minute, and after minutes its queue goes and its waiters are told', async () => {
  const clock = createTestClock();
  const app = new Lovage('fanout', { broker: 'memory://', logger: silentLogger, clock, conf });
  const note = app.task('note', () => 'noted');
  await startWorker(app, { name: 'alive', queues: ['fanout'] });
  const { directory, monitor } = await runtimeOf(app).stores.open();
  await directory?.put(bookOf('fanout'), 'fanout@dead.1', 'dead', memberTtl); // its last word
  const sent = await app.broadcast(note, [], { queue: 'fanout' });
  expect([...sent.workers].sort()).toEqual(['alive', 'dead']);
  const replies = sent.replies();
  await clock.advance(memberTtl + 1);
  expect((await app.broadcast(note, [], { queue: 'fanout' })).workers).toEqual(['alive']);
  expect(await monitor?.queues()).toContain('fanout@dead.1');
  for (let minute = 0; minute < 7; minute += 1) await clock.advance(60_000);
  await until(async () => !(await monitor?.queues())?.includes('fanout@dead.1'), { what: 'the sweep' });
  await clock.advance(5_000);
  expect(await replies).toMatchObject({ alive: { value: 'noted' }, dead: { error: { name: 'TaskRevokedError' } } });
  expect((await directory?.list(bookOf('fanout')))?.map(({ value }) => value)).toEqual(['alive']);
  const closing = app.close();
  await clock.advance(1_000);
  await closing;
});
