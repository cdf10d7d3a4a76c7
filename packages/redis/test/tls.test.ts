// TLS on real servers, with certificates that are good, expired, self-signed, for another host, and renewed.
import { copyFileSync } from 'node:fs';
import { type AppOptions, Lovage } from '@lovage/core';
import { until } from '@lovage/core/testing';
import { startWorker } from '@lovage/core/worker';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { RedisCluster } from './redis-cluster.ts';
import { RedisServer, SentinelServer } from './redis-server.ts';
import { noOpenssl, TlsFiles } from './tls-files.ts';

const long = process.env['LOVAGE_LONG'] === '1';

let files: TlsFiles;
beforeAll(() => {
  if (noOpenssl) return;
  files = new TlsFiles();
  files.signed('good');
  files.signed('expired', { days: -1 });
  files.signed('elsewhere', { host: 'DNS:redis.example' });
  files.selfSigned('alone');
  files.authority('other-ca');
  files.signed('foreign', { by: 'other-ca' });
  files.signed('client', { host: 'DNS:client' });
});
afterAll(() => files?.remove());

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Given {
  readonly connection?: NonNullable<AppOptions['connection']>;
  readonly lines?: Line[];
}

function createApp(broker: string, { connection = { caFile: files.path('ca.crt') }, lines = [] }: Given = {}): Lovage {
  const note =
    (level: string) =>
    (message: string, fields = {}) =>
      void lines.push({ level, message, fields });
  const logger = { debug() {}, info: note('info'), warn: note('warn'), error: note('error'), child: () => logger };
  const app = new Lovage('tls', {
    broker,
    connection,
    drivers: [redisDriver, streamsDriver],
    logger,
    worker: { drain: 0 },
  });
  onTestFinished(() => app.close());
  return app;
}

async function startServer(name: string, options = {}): Promise<RedisServer> {
  const server = await RedisServer.start(files.server(name, options));
  onTestFinished(() => server.stop());
  return server;
}

async function runsTask(broker: string, given?: Given): Promise<void> {
  const app = createApp(broker, given);
  const add = app.task('add', (a: number, b: number) => a + b);
  await startWorker(app);
  expect(await add.call([2, 3], { timeout: '60s' })).toBe(5);
}

/** What a call, a worker and a check of the broker say, none of which may wait until its time is up. */
async function refused(broker: string, problem: string, given: Given = {}): Promise<void> {
  const began = performance.now();
  const app = createApp(broker, { ...given });
  const add = app.task('add', (a: number, b: number) => a + b);
  const message = expect.stringContaining(problem) as string;
  const error = { name: 'BrokerTlsError', code: 'BROKER_TLS', message };
  await expect(add.delay(1, 1)).rejects.toMatchObject(error);
  await expect(startWorker(app)).rejects.toMatchObject(error);
  expect(performance.now() - began).toBeLessThan(15_000);
}

describe.skipIf(noOpenssl).each([
  ['rediss', 'rediss://'],
  ['rediss+streams', 'rediss+streams://'],
])('%s', (name, scheme) => {
  /** The drivers share what makes their connections; the slower tests are of one of them, with LOVAGE_LONG of both. */
  const each = it.runIf(long || name === 'rediss');

  it('runs tasks with the authority that signed the certificate', async () => {
    const { port } = await startServer('good');
    await runsTask(`${scheme}localhost:${port}`);
    await runsTask(`${scheme}127.0.0.1:${port}`);
  });

  it('gives a server its client certificate, and says so where there is none or a wrong one', async () => {
    const { port } = await startServer('good', { asks: true });
    const url = `${scheme}localhost:${port}`;
    const of = (name: string) => ({
      connection: {
        caFile: files.path('ca.crt'),
        certFile: files.path(`${name}.crt`),
        keyFile: files.path(`${name}.key`),
      },
    });
    await runsTask(url, of('client'));
    await refused(url, 'the server wants a client certificate: set connection.certFile and connection.keyFile');
    await refused(url, 'the server refused our client certificate', of('foreign'));
  });

  it.each([
    ['expired', 'its certificate has expired: renew it on the server'],
    ['alone', 'its certificate is self-signed: set connection.caFile'],
    ['foreign', 'its certificate is signed by an authority that is not known here: set connection.caFile'],
    [
      'elsewhere',
      'its certificate is for another host: use a name of the certificate in the URL, or set connection.serverName',
    ],
  ])('refuses a certificate that is %s, at once and by name', async (certificate, problem) => {
    const { port } = await startServer(certificate);
    await refused(`${scheme}localhost:${port}`, problem);
  });

  each('names a server that speaks no TLS', async () => {
    const server = await RedisServer.start();
    onTestFinished(() => server.stop());
    await refused(`${scheme}127.0.0.1:${server.port}`, 'it does not speak TLS on this port');
  });

  each('takes the name of a certificate, a self-signed one that it is given, and Node options', async () => {
    const [elsewhere, alone] = await Promise.all([startServer('elsewhere'), startServer('alone')]);
    const caFile = files.path('ca.crt');
    await runsTask(`${scheme}127.0.0.1:${elsewhere.port}`, { connection: { caFile, serverName: 'redis.example' } });
    await runsTask(`${scheme}localhost:${alone.port}`, { connection: { caFile: files.path('alone.crt') } });
  });

  it('is not talked out of verifying by the environment, and warns where it is switched off in code', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { port } = await startServer('foreign');
    await refused(`${scheme}localhost:${port}`, 'an authority that is not known here');
    const lines: Line[] = [];
    const app = createApp(`${scheme}localhost:${port}`, { connection: { tls: { rejectUnauthorized: false } }, lines });
    app.task('add', () => 1);
    await startWorker(app);
    expect(lines.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/certificate of Redis is not verified/),
    );
    await expect(startWorker(app, { strictBroker: true })).rejects.toMatchObject({ name: 'UnsafeBrokerError' });
  });

  each(
    'a running worker says what became wrong, and goes on when the certificate is renewed',
    {
      timeout: 120_000,
    },
    async () => {
      for (const kind of ['crt', 'key']) copyFileSync(files.path(`good.${kind}`), files.path(`rotating.${kind}`));
      const server = await startServer('rotating');
      const lines: Line[] = [];
      const app = createApp(`${scheme}localhost:${server.port}`, { lines });
      const add = app.task('add', (a: number, b: number) => a + b);
      await startWorker(app);
      expect(await add.call([1, 1], { timeout: '60s' })).toBe(2);

      for (const kind of ['crt', 'key']) copyFileSync(files.path(`expired.${kind}`), files.path(`rotating.${kind}`));
      await server.kill();
      await server.launch();
      await expect(add.delay(1, 1)).rejects.toMatchObject({ name: 'BrokerTlsError' });
      const told = (): boolean => lines.some((line) => JSON.stringify(line, withErrors).includes('has expired'));
      await until(told, { timeout: 60_000, what: 'the line of the log' });

      files.authority('next-ca');
      files.signed('renewed', { by: 'next-ca' });
      for (const kind of ['crt', 'key']) copyFileSync(files.path(`renewed.${kind}`), files.path(`rotating.${kind}`));
      copyFileSync(files.path('next-ca.crt'), files.path('ca.crt')); // read again for each connection
      await server.kill();
      await server.launch();
      await until(
        () =>
          add.call([2, 2], { timeout: '20s' }).then(
            (sum) => sum === 4,
            () => false,
          ),
        {
          timeout: 90_000,
          what: 'the worker to go on',
        },
      );
      files.authority('ca'); // for the tests behind this one
      for (const name of ['good', 'client']) files.signed(name);
      files.signed('expired', { days: -1 });
      files.signed('elsewhere', { host: 'DNS:redis.example' });
    },
  );

  each('verifies sentinels and the master that they name', { timeout: 60_000 }, async () => {
    const master = await startServer('good');
    const tls = files.server('good');
    const sentinel = await SentinelServer.start(master.port, tls);
    onTestFinished(() => sentinel.stop());
    await until(async () => (await sentinel.knows('sentinels').catch(() => -1)) === 0, {
      timeout: 30_000,
      what: 'the sentinel',
    });
    const url = `${scheme.replace('://', '+sentinel://')}localhost:${sentinel.port}/mymaster`;
    await runsTask(url);
    await refused(url, 'an authority that is not known here', { connection: { caFile: files.path('other-ca.crt') } });
  });

  each('verifies the nodes of a cluster', { timeout: 90_000 }, async () => {
    const cluster = await RedisCluster.start(0, files.server('good'));
    onTestFinished(() => cluster.stop());
    const url = cluster.url(scheme.replace('://', '+cluster'));
    await runsTask(url);
    await runsTask(url.replaceAll('127.0.0.1', 'localhost'));
    await refused(url, 'an authority that is not known here', { connection: { caFile: files.path('other-ca.crt') } });
  });
});

it('refuses a file that is not there by its name', async () => {
  const app = createApp('rediss://localhost', { connection: { caFile: '/none/ca.crt' } });
  const add = app.task('add', () => 1);
  const error = {
    name: 'ConfigurationError',
    message: expect.stringContaining(
      'connection.caFile (LOVAGE_TLS_CA_FILE): cannot read "/none/ca.crt": ENOENT',
    ) as string,
  };
  await expect(add.delay()).rejects.toMatchObject(error);
  await expect(startWorker(app)).rejects.toMatchObject(error);
});

/** Errors as JSON with what they say. */
function withErrors(_key: string, value: unknown): unknown {
  return value instanceof Error ? { name: value.name, message: value.message } : value;
}
