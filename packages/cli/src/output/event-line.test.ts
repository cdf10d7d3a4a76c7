import { expect, it } from 'vitest';
import { formatEvent } from './event-line.ts';

const at = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();

it.each([
  [
    {
      type: 'task.succeeded',
      at,
      worker: 'w1',
      id: 'x',
      task: 'add',
      queue: 'default',
      rootId: undefined,
      runtime: 12,
    },
    '03:04:05.006 task.succeeded   add  worker=w1  id=x  queue=default  runtime=12',
  ],
  [
    { type: 'task.failed', at, id: 'x', task: 'add', failure: { name: 'RangeError', message: 'no\n such' } },
    '03:04:05.006 task.failed      add  id=x  failure="RangeError: no such"',
  ],
  [
    { type: 'task.retried', at, id: 'x', task: 'add', retryAt: Date.UTC(2026, 0, 2) },
    '03:04:05.006 task.retried     add  id=x  retryAt=2026-01-02T00:00:00.000Z',
  ],
  [
    { type: 'worker.online', at, worker: 'w 1', queues: ['a', 'b'], slots: 3 },
    '03:04:05.006 worker.online     worker="w 1"  queues=a,b  slots=3',
  ],
  [
    { type: 'task.progress', at, id: 'x', task: 'add', progress: { done: 1 } },
    '03:04:05.006 task.progress    add  id=x  progress={"done":1}',
  ],
])('shows %j', (event, line) => expect(formatEvent(event)).toBe(line));
