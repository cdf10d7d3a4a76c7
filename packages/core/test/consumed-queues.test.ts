import { afterEach, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import type { LogFields, Logger } from '../src/logger.ts';
import type { AppOptions } from '../src/settings/app-options.ts';
import { consumedQueues } from '../src/worker/consumed-queues.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const open: Lovage[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

const log: { message: string; fields: LogFields | undefined }[] = [];
const line = (message: string, fields?: LogFields) => void log.push({ message, fields });
const logger: Logger = { debug: () => {}, info: line, warn: line, error: line, child: () => logger };

function createApp(options: Pick<AppOptions, 'conf' | 'worker'> = {}) {
  const app = new Lovage('queues', { broker: 'memory://', logger, ...options });
  open.push(app);
  app.task('plain', () => 'plain');
  app.task({ name: 'math.add', queue: 'math' }, (x: number) => x + 1);
  app.task('mail.send', () => 'sent');
  return app;
}

it('a worker that is told no queues consumes the default one and those that its tasks and static routes name', async () => {
  const app = createApp({ conf: { taskRoutes: { 'mail.*': 'mail' } } });
  const worker = await startWorker(app);
  expect(worker.report().queues).toEqual(['default', 'mail', 'math']);
  for (const [task, args] of [
    ['plain', []],
    ['math.add', [1]],
    ['mail.send', []],
  ] as const) {
    await (await app.sendTask(task, args)).get({ timeout: '10s' });
  }
});

it('a route that is a function names no queue, and is not asked', () => {
  let asked = 0;
  const app = createApp({ conf: { taskRoutes: () => `queue-${++asked}` } });
  expect(consumedQueues(app)).toEqual(['default', 'math']);
  expect(asked).toBe(0);
});

it('a default queue of its own is consumed under its name', () => {
  expect(consumedQueues(createApp({ conf: { taskDefaultQueue: 'ours' } }))).toEqual(['ours', 'math']);
});

it('a worker that is told its queues consumes those, and its log names the tasks that it will not receive', async () => {
  log.length = 0;
  const worker = await startWorker(createApp(), { queues: ['default'] });
  expect(worker.report().queues).toEqual(['default']);
  expect(log).toContainEqual({
    message: "this worker does not consume the queues of 1 of the app's tasks",
    fields: { tasks: ['math.add (math)'] },
  });
  expect(consumedQueues(createApp({ worker: { queues: ['only'] } }))).toEqual(['only']);
});
