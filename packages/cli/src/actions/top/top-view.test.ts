import { expect, it } from 'vitest';
import { renderTop, sayHealth, type TopFacts } from './top-view.ts';

const counts = { waiting: 0, delayed: 0, blocked: 0, running: 1, dead: 0, paused: false, oldest: undefined };
const worker = {
  ...{
    name: 'w1',
    app: 'shop',
    pid: 1,
    queues: ['mail'],
    slots: 8,
    load: {},
    tasks: [],
    uptime: 60,
    events: false,
    rss: 2 ** 26,
  },
  ...{
    loopLag: 3,
    clockSkew: 0,
    unpolledFor: 0,
    counts: { succeeded: 1, failed: 0, retried: 0, revoked: 0, other: 0 },
  },
  running: [{ id: 'id-1', task: 'mail.send\u001b[2J', queue: 'mail', runningFor: 1_500 }],
};
const stats = { retried: 0, revoked: 0, waitP50: 1, waitP95: 2, runP50: 3, runP95: 4 };
const well: TopFacts = {
  broker: 'redis://localhost',
  at: 0,
  queues: [{ queue: 'mail', ...counts }],
  workers: [worker],
  tasks: [{ task: 'mail.send', queue: 'mail', succeeded: 10, failed: 1, ...stats }],
};

it('says what is wrong, the worst first', () => {
  const say = (facts: Partial<TopFacts>) => sayHealth({ ...well, ...facts }).text;
  expect(say({})).toBe('All is well: 1 of 8 slots busy at 1 worker.');
  expect(say({ workers: [] })).toBe('No worker answers.');
  expect(say({ workers: [{ ...worker, unpolledFor: 30_000 }] })).toBe(
    'Worker w1 is stuck: it has not polled a queue for 30s.',
  );
  expect(say({ queues: [{ queue: 'x', ...counts, waiting: 5 }] })).toMatch(
    /^5 messages wait in queue x, which no worker/,
  );
  expect(say({ tasks: [{ task: 'bad', queue: 'mail', succeeded: 1, failed: 9, ...stats }] })).toBe(
    'Task bad fails: 9 of 10 in five minutes.',
  );
  expect(say({ queues: [{ queue: 'mail', ...counts, waiting: 9, oldest: 90_000 }] })).toMatch(
    /^Queue mail falls behind.* 1m 30s\.$/,
  );
  expect(say({ queues: [{ queue: 'mail', ...counts, paused: true }] })).toBe('Queue mail is paused.');
});

it('fits the screen, marks the chosen row, and sends nothing of others to the terminal', () => {
  const lines = renderTop(well, { choice: { section: 'running', row: 0 }, rows: 24, columns: 60 });
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(lines.every((line) => line.length <= 60)).toBe(true);
  expect(lines.join('\n')).toContain('▶ mail.send\\u001b[2J');
  expect(lines.join('\n')).not.toContain('\u001b[2J');
  const many = Array.from({ length: 50 }, (_, index) => ({ queue: `q${index}`, ...counts }));
  const text = renderTop(
    { ...well, queues: many },
    { choice: { section: 'queues', row: 49 }, rows: 30, columns: 80 },
  ).join('\n');
  expect(text).toMatch(/\(\d+–50 of 50\)/);
  expect(text).toContain('▶ q49');
});
