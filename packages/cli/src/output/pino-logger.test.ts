import { expect, it } from 'vitest';
import { createPinoLogger, type LogFormat } from './pino-logger.ts';

function open(format: LogFormat): { readonly lines: string[] } & ReturnType<typeof createPinoLogger> {
  const lines: string[] = [];
  return { lines, ...createPinoLogger(format, { write: (line) => void lines.push(line) }) };
}

it('writes pino lines with fields, errors whole, and no password', () => {
  const { lines, logger } = open('json');
  logger
    .child({ queue: 'q' })
    .warn('broker redis://:pw@h is away', { error: new RangeError('redis://:pw@h refused'), taskId: 't' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain('pw');
  expect(JSON.parse(lines[0]!)).toMatchObject({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    msg: 'broker redis://:***@h is away',
    queue: 'q',
    taskId: 't',
    error: { type: 'RangeError', message: 'redis://:***@h refused', stack: expect.stringContaining('RangeError') },
  });
});

it('changes its level, children included that are made later', () => {
  const { lines, logger, setLevel } = open('json');
  expect(logger.debugEnabled).toBe(false);
  setLevel('debug');
  expect([logger.debugEnabled, logger.child({}).debugEnabled]).toEqual([true, true]);
  setLevel('silent');
  logger.error('nobody hears it');
  expect(lines).toEqual([]);
});

it('writes for people', () => {
  const { lines, logger } = open('pretty');
  logger.info('ready', { queues: ['a', 'b'], inMs: 3, note: 'two words', nothing: undefined });
  logger.error('task failed', { error: new RangeError('too far') });
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}ready {2}queues=a,b {2}inMs=3 {2}note="two words"\n$/);
  expect(lines[1]).toMatch(/ERROR task failed {2}error="RangeError: too far"\n {4}RangeError: too far\n {8}at /);
});

it("keeps its own keys beside a handler's of the same names, and writes each key once", () => {
  const { lines, logger } = open('json');
  const log = logger.child({ task: 'mail.send', taskId: 't1', attempt: 1 });
  log.info('sent', { task: 'mine', attempt: 1, level: 'high', time: 5, msg: 'text', pid: 'p' });
  const line = lines[0] as string;
  const keys = [...line.matchAll(/"(\w+)":/g)].map(([, key]) => key);
  expect(new Set(keys).size).toBe(keys.length);
  expect(JSON.parse(line)).toMatchObject({
    ...{ level: 'info', msg: 'sent', task: 'mail.send', taskId: 't1', attempt: 1 },
    ...{ task_: 'mine', level_: 'high', time_: 5, msg_: 'text', pid_: 'p' },
  });
});

it('writes the stack of a failed task below its line', () => {
  const { lines, logger } = open('pretty');
  logger.error('task failed', { task: 'add', error: 'Error: no', stack: 'Error: no\n    at add (/app/tasks.ts:3:9)' });
  expect(lines[0]).toMatch(/task=add {2}error="Error: no"\n {4}Error: no\n {8}at add \(\/app\/tasks\.ts:3:9\)\n$/);
});
