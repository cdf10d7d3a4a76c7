import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Driver } from '../driver/driver.ts';
import { BrokerUnavailableError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { setOverrides } from '../settings/overrides.ts';
import type { TaskContext } from '../task/task-context.ts';
import { Lovage } from './app.ts';
import { runtimeOf } from './app-runtime.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  setOverrides({ flags: {}, file: {} });
});

const settingsOf = (app: Lovage) => runtimeOf(app).settings;

describe('an app', () => {
  it('finds each setting: flag over environment over file over constructor over default', () => {
    const at = () =>
      settingsOf(new Lovage('a', { broker: 'memory://', worker: { concurrency: 2 } })).worker.concurrency;
    expect(settingsOf(new Lovage('a')).worker.concurrency).toBe(8);
    expect(at()).toBe(2);
    setOverrides({ flags: {}, file: { 'worker.concurrency': 3 } });
    expect(at()).toBe(3);
    vi.stubEnv('LOVAGE_CONCURRENCY', '4');
    expect(at()).toBe(4);
    setOverrides({ flags: { 'worker.concurrency': 5 }, file: {} });
    expect(at()).toBe(5);
  });

  it('takes its broker from LOVAGE_BROKER_URL, then REDIS_URL, then memory', () => {
    expect(settingsOf(new Lovage('a')).broker).toBe('memory://');
    vi.stubEnv('REDIS_URL', 'redis://elsewhere:6379');
    expect(settingsOf(new Lovage('a')).broker).toBe('redis://elsewhere:6379');
    vi.stubEnv('LOVAGE_BROKER_URL', 'redis://here:6379');
    expect(settingsOf(new Lovage('a')).broker).toBe('redis://here:6379');
  });

  it.each([
    [{ brokr: 'x' }, 'app "a": unknown option "brokr": did you mean "broker"?'],
    [{ worker: { concurency: 1 } }, 'app "a": worker: unknown option "concurency": did you mean "concurrency"?'],
    [{ conf: { taskRoute: {} } }, 'app "a": conf: unknown option "taskRoute": did you mean "taskRoutes"?'],
    [{ broker: 'localhost' }, '"localhost" is not a broker URL'],
    [{ broker: 'kafka://x' }, 'no driver for "kafka://": known schemes are memory://, redis://'],
    [{ publishTimeout: 0 }, 'option publishTimeout: must be longer than zero'],
    [{ worker: { concurrency: 0 } }, 'option worker.concurrency: expected a whole number from 1'],
  ])('refuses options that cannot be: %o', (options, message) => {
    expect(() => new Lovage('a', options as object)).toThrow(message);
  });

  it('names the variable whose value is wrong', () => {
    vi.stubEnv('LOVAGE_CONCURRENCY', 'many');
    expect(() => new Lovage('a')).toThrow(
      'worker.concurrency (environment LOVAGE_CONCURRENCY): expected a whole number',
    );
  });

  it('refuses a second task under one name', () => {
    const app = new Lovage('a');
    app.task('add', () => 1);
    expect(() => app.task('add', () => 2)).toThrow('task "add" is already defined in this app');
  });

  it('runs a task in process when it is called', async () => {
    const app = new Lovage('a');
    expect(app.task('add', (x: number, y: number) => x + y)(2, 3)).toBe(5);
    const bound = app.task({ name: 'bound', bind: true }, async (self, n: number) => [self.attempt, n]);
    expect(await bound(7)).toEqual([1, 7]);
    expect(bound.name).toBe('bound');
  });

  it('maps a publish that nobody answers to BrokerUnavailableError with the task id, in time', async () => {
    const deaf: Driver = {
      name: 'deaf',
      schemes: ['deaf'],
      connect: () => ({
        display: 'deaf://',
        acksWithOutcome: false,
        broker: {
          publish: (_messages, signal) =>
            new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
          consume: () => Promise.reject(new Error('deaf')),
          close: async () => {},
        },
        check: () => Promise.reject(new Error('deaf')),
        close: async () => {},
      }),
    };
    const app = new Lovage('a', {
      broker: 'deaf://',
      backend: 'none',
      drivers: [deaf],
      publishTimeout: 100,
      logger: silentLogger,
    });
    const add = app.task('add', (x: number) => x);
    const start = performance.now();
    const error = await add.applyAsync([1], { taskId: 'my-id' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BrokerUnavailableError);
    expect(error).toMatchObject({
      taskId: 'my-id',
      message: expect.stringContaining('broker deaf:// did not accept task my-id (add) within 100ms'),
    });
    expect(performance.now() - start).toBeLessThan(2000);
    await app.close();
  });
});

describe('decorated methods', () => {
  it('run on the instance they were bound to, under both call shapes', async () => {
    const app = new Lovage('a');
    class Standard {
      readonly word: string;
      constructor(word: string) {
        this.word = word;
      }
      @app.task({ name: 'standard' })
      say(what: string): string {
        return `${this.word} ${what}`;
      }
    }
    class Legacy {
      word = 'legacy';
      say(what: string): string {
        return `${this.word} ${what}`;
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(Legacy.prototype, 'say') as PropertyDescriptor;
    app.task('legacy')(Legacy.prototype, 'say', descriptor);
    expect(app.tasksOf(new Standard('standard')).say('hi')).toBe('standard hi');
    expect(app.tasksOf(new Legacy()).say('hi')).toBe('legacy hi');
  });

  it('find inherited methods, leave out plain ones, and give a bound method its context', async () => {
    const app = new Lovage('a');
    class Base {
      @app.task('base.run')
      run(): string {
        return 'base';
      }
      plain(): void {}
    }
    class Derived extends Base {
      @app.task({ name: 'derived.bound', bind: true })
      bound(self: TaskContext, n: number): string {
        return `${self.name} ${n}`;
      }
    }
    const tasks = app.tasksOf(new Derived());
    expect(Object.keys(tasks).sort()).toEqual(['bound', 'run']);
    expect(tasks.bound(4)).toBe('derived.bound 4');
  });

  it('can be sent before they are bound, and say what is missing when they are run', () => {
    const app = new Lovage('a');
    class Mailer {
      @app.task('mail.send')
      send(): void {}
    }
    const mailer = new Mailer();
    const tasks = app.tasksOf(mailer);
    expect(app.tasksOf(mailer).send.name).toBe(tasks.send.name);
    expect(() => app.tasksOf(new Mailer())).toThrow('task "mail.send" is already defined');
    expect(() => app.tasksOf({})).toThrow('has no method decorated with @app.task of this app');
  });

  it('are public methods only', () => {
    const app = new Lovage('a');
    const decorate = app.task('field') as (value: unknown, context: unknown) => void;
    expect(() => decorate(undefined, { kind: 'field' })).toThrow('decorates public methods only');
    expect(() => decorate(() => 1, { kind: 'method', private: true })).toThrow('decorates public methods only');
  });
});
