import { afterEach, describe, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import type { LogFields, Logger } from '../src/logger.ts';
import type { Plugin } from '../src/plugins/plugin.ts';
import type { BatchItem } from '../src/task/batch.ts';
import { until } from '../src/testing/until.ts';
import { startWorker } from '../src/worker/start-worker.ts';

const open: Lovage[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
});

function createApp(plugins: readonly Plugin[], logger: Logger): Lovage {
  const app = new Lovage('plugged', { broker: 'memory://', logger, plugins });
  open.push(app);
  return app;
}

/** A logger that keeps its lines. */
function recorded(): Logger & { readonly lines: { readonly message: string; readonly fields: LogFields }[] } {
  const lines: { readonly message: string; readonly fields: LogFields }[] = [];
  const make = (bound: LogFields): Logger => {
    const write = (message: string, fields?: LogFields) =>
      void lines.push({ message, fields: { ...bound, ...fields } });
    return { debug: write, info: write, warn: write, error: write, child: (more) => make({ ...bound, ...more }) };
  };
  return { ...make({}), lines };
}

describe('batch and logFields', () => {
  it('stands around the handler of a batch, and cannot change how its items end', async () => {
    const seen: string[] = [];
    const logger = recorded();
    const app = createApp(
      [
        {
          name: 'outer',
          async batch(runs, next) {
            seen.push(`outer ${runs.map(({ task, attempt }) => `${task} ${attempt}`).join()}`);
            await next();
            seen.push('outer ends');
          },
        },
        { name: 'forgetful', batch: async () => void seen.push('does not go on') },
        {
          name: 'broken',
          async batch() {
            throw new Error('no');
          },
        },
      ],
      logger,
    );
    const double = app.batchTask({ name: 'double', size: 2, wait: '10s' }, (items: readonly BatchItem<[number]>[]) => {
      seen.push('handler');
      return items.map(({ args: [n] }) => (n < 0 ? new RangeError('negative') : n * 2));
    });
    await startWorker(app, { concurrency: 2 });
    const [good, bad] = [await double.delay(2), await double.delay(-1)];
    expect(await good.get()).toBe(4);
    await expect(bad.get()).rejects.toThrow('negative');
    expect(seen).toEqual(['outer double 1,double 1', 'does not go on', 'handler', 'outer ends']);
    expect(logger.lines.some(({ message }) => message === 'batch of plugin "broken" failed')).toBe(true);
  });

  it('adds fields to every line, also of child loggers; a line is written whatever a plugin throws', async () => {
    const logger = recorded();
    const app = createApp(
      [
        { name: 'ids', logFields: ({ taskId }) => ({ about: taskId ?? 'the app' }) },
        {
          name: 'broken',
          logFields() {
            throw new Error('no');
          },
        },
      ],
      logger,
    );
    const noisy = app.task({ name: 'noisy', bind: true, maxRetries: 0 }, (self) => {
      self.log.info('inside');
      throw new Error('fails');
    });
    await startWorker(app);
    const result = await noisy.delay();
    await expect(result.get()).rejects.toThrow('fails');
    await until(() => logger.lines.some(({ message }) => message === 'task failed'), {
      timeout: 30_000,
      what: 'its line',
    });
    const about = (message: string) => logger.lines.find((line) => line.message === message)?.fields?.['about'];
    expect(about('inside')).toBe(result.id);
    expect(about('task failed')).toBe(result.id);
  });
});
