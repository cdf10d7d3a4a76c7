import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { resolveTaskOptions, type TaskOptions } from './task-options.ts';

const resolve = (options: object) => resolveTaskOptions({ name: 't', ...options } as TaskOptions).options;

describe('task options', () => {
  it('have the documented defaults', () => {
    expect(resolveTaskOptions('math.add')).toEqual({
      name: 'math.add',
      options: {
        maxRetries: 3,
        defaultRetryDelay: 180_000,
        autoretryFor: [],
        dontAutoretryFor: [],
        retryBackoff: false,
        retryBackoffMax: 600_000,
        retryJitter: true,
        acksLate: true,
        trackStarted: false,
        orderingPolicy: 'continue',
        acquired: false,
        bind: false,
        plugin: {},
      },
    });
  });

  it('read durations, and true as a backoff of one second', () => {
    expect(resolve({ timeLimit: '2m', retryBackoff: true, defaultRetryDelay: '1h30m' })).toMatchObject({
      timeLimit: 120_000,
      retryBackoff: 1000,
      defaultRetryDelay: 5_400_000,
    });
    expect(resolve({ retryBackoff: '5s' }).retryBackoff).toBe(5000);
    expect(resolve({ maxRetries: null }).maxRetries).toBeNull();
  });

  it.each([
    [{ maxRetires: 1 }, 'task "t": unknown option "maxRetires": did you mean "maxRetries"?'],
    [{ zzz: 1 }, 'task "t": unknown option "zzz": known: '],
    [{ priority: 10 }, 'option priority: expected a whole number from 0 to 9, received 10'],
    [{ timeLimit: 'soon' }, "option timeLimit: 'soon' is not a duration"],
    [{ queue: 'a b' }, 'option queue: expected a queue name'],
    [{ autoretryFor: [1] }, 'option autoretryFor: expected a list of error classes'],
    [{ args: {} }, 'option args: expected a zod schema'],
    [{ concurrency: 3 }, 'option concurrency: expected an object with key, limit'],
    [{ concurrency: {} }, 'option concurrency: the limit is missing'],
    [{ concurrency: { limit: 0 } }, 'option limit: expected a whole number from 1 to 1000000, received 0'],
    [{ concurrency: { limit: 1.5 } }, 'option limit: expected a whole number from 1 to 1000000, received 1.5'],
    [{ concurrency: { limit: 1, key: 'x' } }, 'option key: expected a function of the arguments'],
    [{ concurrency: { limt: 1 } }, 'unknown option "limt": did you mean "limit"?'],
    [{ orderingKey: 'x' }, 'option orderingKey: expected a function of the arguments'],
    [{ orderingPolicy: 'halt' }, 'orderingPolicy says what happens to an orderingKey, and there is none'],
    [{ orderingKey: () => 'x', orderingPolicy: 'stop' }, 'option orderingPolicy: expected "continue" or "halt"'],
    [{ fairness: {} }, 'option fairness: the key is missing'],
    [{ fairness: { key: (): string => 'x', weight: 2 } }, 'option weight: expected a function of the key'],
    [{ fairness: { key: (): string => 'x', window: 0 } }, 'option window: expected a whole number from 1'],
    [{ softTimeLimit: '2m', timeLimit: '1m' }, 'softTimeLimit (120000 ms) is above timeLimit (60000 ms)'],
  ])('that cannot be are refused: %o', (options, message) => {
    expect(() => resolve(options)).toThrow(message);
  });

  it('need a name', () => {
    expect(() => resolveTaskOptions({} as TaskOptions)).toThrow('the option name is missing');
    expect(() => resolveTaskOptions('')).toThrow('option name');
    expect(() => resolveTaskOptions(5 as never)).toThrow('the first parameter is the task name');
  });

  it('hand the schemas on', () => {
    const args = z.tuple([z.string()]);
    expect(resolveTaskOptions({ name: 't', args }).args).toBe(args);
  });
});
