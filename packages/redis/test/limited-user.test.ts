import { Lovage } from '@lovage/core';
import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { RedisServer } from './redis-server.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

interface Line {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

describe.each([
  ['redis', 'redis://'],
  ['redis+streams', 'redis+streams://'],
])('%s', (_driver, scheme) => {
  const urlOf = (user: string, { port } = redis.server): string =>
    `${scheme}${user === '' ? '' : `${user}:secret@`}127.0.0.1:${port}/0`;

  /** A user with these rules beside all commands and channels. */
  async function createUser(...rules: readonly string[]): Promise<string> {
    const name = `u${newTaskId().slice(-12)}`;
    await redis.server.client.call('ACL', 'SETUSER', name, 'on', '>secret', '&*', '+@all', ...rules);
    return name;
  }

  function createApp(url: string, prefix: string, log: Line[] = []): Lovage {
    const note = (message: string, fields = {}): void => void log.push({ message, fields });
    const logger = { debug() {}, info() {}, warn: note, error: note, child: () => logger };
    const app = new Lovage('limited', { broker: url, prefix, drivers: [redisDriver, streamsDriver], logger });
    onTestFinished(() => app.close());
    return app;
  }

  it('starts without INFO, says what it could not check, and writes nothing to the console', async () => {
    const console = vi.spyOn(globalThis.console, 'warn');
    onTestFinished(() => console.mockRestore());
    const app = createApp(urlOf(await createUser('~*', '-info')), `t${newTaskId()}`);
    const echo = app.task('echo', (n: number) => n);
    const worker = await startWorker(app);
    expect(worker.broker).toMatchObject({ version: expect.stringContaining('unknown') });
    expect(worker.broker.warnings.join()).toContain('INFO');
    expect(await echo.call([7], { timeout: '20s' })).toBe(7);
    expect(console).not.toHaveBeenCalled();
  });

  it('starts where a managed service has renamed INFO', async () => {
    const server = await RedisServer.start({ 'rename-command': 'INFO hidden-info' });
    onTestFinished(() => server.stop());
    const app = createApp(urlOf('', server), `t${newTaskId()}`);
    const echo = app.task('echo', (n: number) => n);
    await startWorker(app);
    expect(await echo.call([7], { timeout: '20s' })).toBe(7);
  });

  it('refuses to start without TIME, by name', async () => {
    const app = createApp(urlOf(await createUser('~*', '-time')), `t${newTaskId()}`);
    app.task('echo', (n: number) => n);
    await expect(startWorker(app)).rejects.toMatchObject({
      name: 'BrokerAuthenticationError',
      message: expect.stringContaining('+time'),
    });
  });

  it('lets others run where the keys of ordering are forbidden: says so once, and asks seldom', async () => {
    const prefix = `t${newTaskId()}`;
    const options = { name: 'ordered', orderingKey: () => 'k' };
    const producer = createApp(urlOf(''), prefix);
    const ordered = producer.task(options, () => 'done');
    const plain = producer.task('plain', (n: number) => n);
    await ordered.delayMany(Array.from({ length: 20 }, () => []));
    const log: Line[] = [];
    const user = await createUser(`~${prefix}:*`, `~lovage:${prefix}:[^a]*`);
    const limited = createApp(urlOf(user), prefix, log);
    limited.task(options, () => 'done');
    limited.task('plain', (n: number) => n);
    await startWorker(limited, { concurrency: 4 });
    const refused = (): Line[] => log.filter(({ message }) => message.includes('ordering key'));
    await until(() => refused().length > 0, { what: 'the line of the log' });
    expect(refused()[0]?.fields).toMatchObject({ task: 'ordered', error: { name: 'BrokerAuthenticationError' } });
    for (let n = 0; n < 10; n += 1) expect(await plain.call([n], { timeout: '20s' })).toBe(n);
    const before = await commands();
    const began = performance.now();
    await plain.applyAsync([11], { countdown: '1500ms' }).then((result) => result.get({ timeout: '20s' }));
    expect(((await commands()) - before) / ((performance.now() - began) / 1000)).toBeLessThan(500);
    expect(refused()).toHaveLength(1);
  });
});

async function commands(): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await redis.server.client.info('stats'))?.[1]);
}
