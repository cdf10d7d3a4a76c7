import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Format } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RedisServer } from '../../redis/test/redis-server.ts';

const resolveDir = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let redis: RedisServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lovage-bundles-'));
  redis = await RedisServer.start();
});
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const appText = (scheme: string): string => `
  import { appendFileSync } from 'node:fs';
  import { Lovage } from 'lovage';
  export const app = new Lovage('bundled', {
    broker: process.env.BROKER.replace('redis:', '${scheme}:'), prefix: process.env.PREFIX,
    worker: { lockDuration: '1s', stalledInterval: '500ms' },
  });
  export const block = app.task('block', (ms) => {
    appendFileSync(process.env.LEDGER, 'run\\n');
    for (const end = Date.now() + ms; Date.now() < end; );
    return 'blocked';
  });
  export const where = app.task({ name: 'where', pool: 'threads' }, async () => (await import('node:worker_threads')).threadId);
`;

const programs = {
  thread: `import { runLeaseRenewalThread } from 'lovage/lease-renewal-thread'; runLeaseRenewalThread();`,
  child: `import { app } from 'app'; import { runPoolChild } from 'lovage/pool-child'; runPoolChild(app);`,
};

interface Bundled {
  readonly name: string;
  readonly format: Format;
  readonly scheme: string;
  readonly text: string;
}

/** One program in one file, which stands in a folder without packages. Answers with its path. */
async function bundle({ name, format, scheme, text }: Bundled): Promise<string> {
  const file = join(folder, `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`);
  await build({
    stdin: { contents: text, resolveDir, loader: 'ts' },
    outfile: file,
    bundle: true,
    platform: 'node',
    format,
    target: 'node20',
    logLevel: 'silent',
    banner:
      format === 'esm'
        ? { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }
        : {},
    plugins: [
      {
        name: 'app',
        setup({ onResolve, onLoad }) {
          onResolve({ filter: /^app$/ }, () => ({ path: 'app', namespace: 'app' }));
          onLoad({ filter: /.*/, namespace: 'app' }, () => ({ contents: appText(scheme), resolveDir, loader: 'ts' }));
        },
      },
    ],
  });
  return file;
}

function run(file: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [file], { env: { ...process.env, ...env }, cwd: folder });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    out.stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    out.stderr += chunk;
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...out }));
  return { child, ended };
}

const cases = [
  { format: 'esm', scheme: 'redis' },
  { format: 'cjs', scheme: 'redis+streams' },
] as const;

/** Has a worker block for longer than its lease, beside another one. Answers with what the producer got, and the runs. */
async function play(kind: (typeof cases)[number], guarded: boolean): Promise<{ values: unknown; runs: number }> {
  const { format } = kind;
  const at = (name: string) =>
    format === 'esm'
      ? `new URL('./${name}.mjs', import.meta.url)`
      : `require('url').pathToFileURL(__dirname + '/${name}.cjs')`;
  const worker = `import { app } from 'app'; import { startWorker } from 'lovage/worker';
      startWorker(app, { ${guarded ? `leaseRenewalThread: ${at('thread')}` : 'maxEventLoopBlock: 0'}, poolChild: ${at('child')} });`;
  const other = `import { app } from 'app'; import { startWorker } from 'lovage/worker';
      startWorker(app, { maxEventLoopBlock: 0, poolChild: ${at('child')} });`;
  const producer = `import { app, block, where } from 'app';
      const calls = [block.call([4_000], { timeout: '40s' }), where.call([], { timeout: '40s' })];
      Promise.all(calls).then(async (values) => { console.log(JSON.stringify(values)); await app.close(); });`;
  const texts = { ...programs, worker, other, producer };
  const [file, , , second, sender] = await Promise.all(
    (['worker', 'thread', 'child', 'other', 'producer'] as const).map((name) =>
      bundle({ ...kind, name, text: texts[name] as string }),
    ),
  );
  const ledger = join(folder, `ledger-${format}${guarded}`);
  const env = { BROKER: redis.url, PREFIX: `${format}${guarded}`, LEDGER: ledger };
  run(file as string, env);
  const sending = run(sender as string, env);
  await expect.poll(() => existsSync(ledger), { timeout: 30_000 }).toBe(true);
  run(second as string, env); // it would take the task whose lease ran out
  const { stdout, stderr } = await sending.ended;
  return { values: JSON.parse(stdout || JSON.stringify(stderr)), runs: readFileSync(ledger, 'utf8').length / 4 };
}

describe('bundled by esbuild', { timeout: 90_000 }, () => {
  it.each(cases)('a worker ($format, $scheme) keeps its leases while it is blocked, and has pools', async (kind) => {
    expect(await play(kind, true)).toEqual({ values: ['blocked', expect.any(Number)], runs: 1 });
  });

  it('a worker that switches the thread off is not protected', async () => {
    const { runs } = await play(cases[1], false);
    expect(runs).toBeGreaterThan(1);
  });

  it.each(cases)('a worker ($format) that is given no thread refuses to start, and says what to do', async (kind) => {
    const text = `import { app } from 'app'; import { startWorker } from 'lovage/worker';
      startWorker(app).catch((error) => { console.log(error.message); return app.close(); });`;
    const file = await bundle({ ...kind, name: 'bare', text });
    const { stdout } = await run(file, { BROKER: redis.url, PREFIX: `bare-${kind.format}`, LEDGER: '' }).ended;
    expect(stdout).toContain('the thread that renews leases while a task blocks the event loop cannot start');
    expect(stdout).toContain('leaseRenewalThread');
  });
});
