// With encryption, nothing that an app says in secret places can be read in Redis, on its channels or in the log.
import { randomBytes } from 'node:crypto';
import { setOverrides } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RedisServer } from '../../redis/test/redis-server.ts';
import { Schedules, startBeat } from '../src/beat.ts';
import { type AppOptions, chain, every, Lovage, Reject, type SecurityOptions } from '../src/index.ts';
import { DeadLetters } from '../src/inspect.ts';
import { until } from '../src/testing.ts';
import { startWorker } from '../src/worker.ts';

const patience = { timeout: '60s' } as const;
const secret = (): string => randomBytes(32).toString('base64');

function createApp(broker: string, options: AppOptions): Lovage {
  setOverrides({ flags: {}, file: {} });
  const app = new Lovage('shop', { broker, worker: { drain: 0 }, ...options });
  onTestFinished(() => app.close());
  return app;
}

describe('encryption', () => {
  const canary = 'c4n4ry';

  /** Says every secret in every place where an app may put one, and answers with all that Redis and the log were given. */
  async function tell(
    scheme: string,
    security: SecurityOptions | undefined,
  ): Promise<{ readonly redis: string; readonly log: string }> {
    const own = await RedisServer.start();
    onTestFinished(() => own.stop());
    const source = own.client.duplicate();
    source.on('error', () => {}); // the server ends before it
    const spy = await source.monitor();
    onTestFinished(() => {
      spy.disconnect();
      source.disconnect();
    });
    const heard: string[] = [];
    spy.on('error', () => {}); // the server ends before it
    spy.on('monitor', (_time: string, words: string[]) => heard.push(words.join(' ')));
    const lines: unknown[][] = [];
    const note = (...line: unknown[]): void => void lines.push(line);
    const logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
    const app = createApp(`${scheme}://127.0.0.1:${own.port}/0`, {
      logger,
      history: 'all',
      ...(security ? { security } : {}),
    });
    const echo = app.task({ name: 'echo', bind: true }, async (self, text: string) => {
      await self.progress({ text: `${canary}-progress` });
      return `${text}-result`;
    });
    const fails = app.task('fails', (_text: string) => {
      throw new Error('as it should');
    });
    const hidden = app.task('hidden', () => {
      throw Object.assign(new Error('as it should'), { cause: new Error(`${canary}-cause`) });
    });
    const rejected = app.task('rejected', (_text: string) => {
      throw new Reject('not this one');
    });
    const run = app.workflow({ name: 'run', parkAfter: 20 }, async (w, text: string) => {
      const step = await w.step('step', () => `${text}-step`);
      await w.sleep('30ms');
      return [step, await w.event('said')];
    });
    const events: unknown[] = [];
    await app.events.on('*', (event) => void events.push(event));
    await startWorker(app, { events: true });
    const beat = await startBeat(app);
    await new Schedules(app).add('tick', every('200ms'), echo.s(`${canary}-schedule`));
    const call = await echo.applyAsync([`${canary}-args`], { headers: { secret: `${canary}-header` } });
    expect(await call.get(patience)).toBe(`${canary}-args-result`);
    expect(await chain(echo.s(`${canary}-chain`), echo.s()).call([], patience)).toContain('-result-result');
    await expect(fails.call([`${canary}-failed`], patience)).rejects.toThrow();
    await expect(hidden.call([], patience)).rejects.toThrow();
    await expect(rejected.call([`${canary}-dead`], patience)).rejects.toThrow();
    const started = await run.start(`${canary}-workflow`);
    await started.send('said', `${canary}-event`);
    expect(await started.get(patience)).toEqual([`${canary}-workflow-step`, `${canary}-event`]);
    await app.publish('order.created', { secret: `${canary}-topic` });
    await until(() => beat.health().fired > 0 && events.length > 0, { timeout: 60_000, what: 'a slot and an event' });
    await until(async () => (await app.failures.list()).length >= 2, { timeout: 60_000, what: 'the failures' });
    expect((await new DeadLetters(app).list())[0]?.body).toContain(`${canary}-dead`); // who has the key can read all of it
    await beat.close();
    await app.close();
    return { redis: heard.join('\n'), log: JSON.stringify(lines, withErrors) };
  }

  it.each(['redis', 'redis+streams'])(
    'leaves nothing to read in %s, its channels and the log',
    { timeout: 120_000 },
    async (scheme) => {
      const key = { id: 'e1', secret: secret() };
      const sealed = await tell(scheme, {
        encryption: { keys: [key], use: 'e1' },
        signing: { keys: [{ id: 'k', secret: secret() }], use: 'k' },
      });
      const found = sealed.redis.match(new RegExp(`${canary}-[\\w-]+`, 'g')) ?? [];
      expect([...new Set(found)]).toEqual([]);
      expect(sealed.log.replaceAll(`${canary}-cause`, '')).not.toContain(canary); // what errors say is in the worker's log
      const open = await tell(scheme, undefined); // the control: without keys all of it is there
      const places = new Set(open.redis.match(new RegExp(`${canary}-[a-z]+`, 'g')));
      const said = [
        'args',
        'header',
        'progress',
        'chain',
        'failed',
        'cause',
        'dead',
        'schedule',
        'workflow',
        'event',
        'topic',
      ];
      expect([...places]).toEqual(expect.arrayContaining(said.map((place) => `${canary}-${place}`)));
    },
  );
});

/** Errors as JSON with what they say. */
function withErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message } : value;
}
