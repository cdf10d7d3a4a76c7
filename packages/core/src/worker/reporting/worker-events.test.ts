import { expect, it } from 'vitest';
import type { LovageEvent } from '../../events/event.ts';
import { parseEvents } from '../../events/event-schema.ts';
import { EventSender } from '../../events/event-sender.ts';
import type { WorkerReport } from '../../events/worker-report.ts';
import type { JsonValue } from '../../message/json.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import { WorkerEvents } from './worker-events.ts';

const running = ['mail.send', 'mail.send', 'report'].map((task, id) => ({
  id: `${id}`,
  task,
  queue: 'default',
  runningFor: 5,
}));
const report: WorkerReport = {
  name: 'w1',
  app: 'shop',
  pid: 1,
  queues: ['default'],
  slots: 4,
  running,
  counts: { succeeded: 7, failed: 1, retried: 0, revoked: 0, other: 0 },
  load: {},
  tasks: ['mail.send', 'report'],
  uptime: 9,
  events: true,
  rss: 1,
  loopLag: 12,
  clockSkew: 0,
  unpolledFor: 3,
};

it('says that the worker is there, every two seconds how it does, and that it goes', async () => {
  const clock = createTestClock();
  const heard: LovageEvent[] = [];
  const transport = async (_topic: string, batch: JsonValue) => void heard.push(...parseEvents(batch));
  const events = new WorkerEvents(new EventSender(transport, clock), clock, () => report);
  events.start();
  await clock.advance(4_100);
  await events.stop();
  expect(heard.map(({ type }) => type)).toEqual([
    'worker.online',
    'worker.heartbeat',
    'worker.heartbeat',
    'worker.offline',
  ]);
  expect(heard[1]).toMatchObject({
    worker: 'w1',
    slots: 4,
    running: 3,
    tasks: ['mail.send', 'report'],
    loopLag: 12,
    unpolledFor: 3,
  });
});
