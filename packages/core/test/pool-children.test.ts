import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { type LogFields, silentLogger } from '../src/logger.ts';
import { until } from '../src/testing/until.ts';
import { startWorker, type WorkerOptions } from '../src/worker/start-worker.ts';

// What handlers and modules may do to the children of a pool: see pools.test.ts for what children do.
const appModule = { url: new URL('fixtures/pool-app.mjs', import.meta.url).href };
const timeout = '20s';

let folder: string;
let ledger: string;
const open: Lovage[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lovage-pools-'));
  ledger = join(folder, 'ledger.txt');
  vi.stubEnv('LEDGER', ledger);
});

afterEach(async () => {
  await Promise.all(open.splice(0).map((app) => app.close()));
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const lines = (): readonly string[] => (existsSync(ledger) ? readFileSync(ledger, 'utf8').trim().split('\n') : []);

function createApp() {
  const log: { message: string; fields: LogFields }[] = [];
  const line = (message: string, fields: LogFields = {}) => void log.push({ message, fields });
  const logger = { ...silentLogger, error: line, child: () => logger };
  const app = new Lovage('pools', { broker: 'memory://', logger });
  open.push(app);
  for (const name of ['add', 'foreign', 'tricky']) app.task(name, () => 'ran in the worker itself');
  return {
    app,
    log,
    call: async (name: string, ...args: unknown[]) => (await app.sendTask(name, args)).get({ timeout }),
    start: (options: WorkerOptions) => startWorker(app, { concurrency: 2, drain: '1s', appModule, ...options }),
  };
}

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => ({ value }),
    (error: unknown) => error,
  );

describe.each(['threads', 'processes'] as const)('the pool of %s', { timeout: 60_000 }, (pool) => {
  it('takes no message of a handler for one of its own program', async () => {
    const { call, start } = createApp();
    await start({ pool, concurrency: 1 });
    expect(await call('foreign')).toBe('undisturbed');
    expect(await call('add', 1, 2)).toBe(3);
  });

  it('ends a task by name whose value cannot be sent, and goes on', async () => {
    const { call, start } = createApp();
    await start({ pool, concurrency: 1 });
    for (const kind of ['getter', 'toJSON']) {
      expect(await failure(call('tricky', kind))).toMatchObject({ remoteName: 'PayloadNotSerializableError' });
    }
    expect(await failure(call('tricky', 'revoked'))).toMatchObject({ remoteName: 'NonError' });
    expect(await call('tricky', 'method')).toEqual([1]);
    expect(await call('add', 1, 2)).toBe(3);
  });

  it('kills a child whose app hangs where it is loaded, tries again, and says that none starts', async () => {
    const { app, log, start } = createApp();
    const worker = await start({ pool, concurrency: 1, maxTasksPerChild: 1, childStartTimeout: '3s' });
    expect(worker.poolTrouble).toBeUndefined();
    vi.stubEnv('LOAD_MS', '3600000');
    await app.sendTask('add', [1, 1]); // its child is replaced
    const second = await app.sendTask('add', [1, 2]);
    await until(() => log.some(({ message }) => message.includes('did not start')), { what: 'the line' });
    expect(worker.poolTrouble).toContain("did not load in the pool's child within 3s");
    vi.stubEnv('LOAD_MS', '0');
    await worker.close({ drain: 0 });
    await start({ pool, concurrency: 1 });
    expect(await second.get({ timeout })).toBe(3);
  });
});

it('a process ends with its worker, also while its handler blocks it', { timeout: 30_000 }, async () => {
  const program = fileURLToPath(new URL('fixtures/orphaning-worker.mjs', import.meta.url));
  const worker = spawn(process.execPath, [program], { stdio: 'ignore', env: { ...process.env, LEDGER: ledger } });
  await until(() => lines().some((line) => line.startsWith('orphan')), { what: 'the task' });
  const pid = Number(lines()[0]?.split(' ')[1]);
  worker.kill('SIGKILL');
  await until(() => !isAlive(pid), { what: 'the end of the child' });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
