import { describe, expect, it, onTestFinished } from 'vitest';
import { createProject, lovage, noRedis, start, startRedis } from './run-cli.ts';

/** An app whose tasks block the event loop of a worker that gives them 200 ms. */
const tasks = `import { execSync } from 'node:child_process';
  import { Lovage } from 'lovage';
  export const app = new Lovage('blocking', { worker: { timeLimitGrace: 300 } });
  const timeLimit = 200;
  export const spin = app.task({ name: 'spin', timeLimit }, async () => { await null; for (;;); });
  export const native = app.task({ name: 'native', timeLimit }, () => void execSync('sleep 8'));
  export const late = app.task({ name: 'late', timeLimit }, () => {
    for (const end = Date.now() + 400; Date.now() < end; );
    return 'too late';
  });
  const first = process.env.FIRST;
  if (first) await app.sendTask(first, [], { taskId: 'the-one' });
`;

describe('a task that blocks the event loop beyond its hard limit', () => {
  it('is named, and ends the process with 75', async () => {
    const cwd = createProject({ 'tasks.mjs': tasks });
    const { code, stderr } = await start(['worker'], { cwd, env: { FIRST: 'spin' } }).ended;
    expect(stderr).toMatch(
      /"task":"spin","taskId":"the-one","msg":"a task blocks the event loop beyond its hard time limit/,
    );
    expect(code).toBe(75);
  });

  it('is named and ended also in native code, which nothing can interrupt', async () => {
    const cwd = createProject({ 'tasks.mjs': tasks });
    const { code, stderr } = await start(['worker'], { cwd, env: { FIRST: 'native' } }).ended;
    expect(stderr).toMatch(/"tasks":\[\{"id":"the-one","task":"native"\}\],"msg":"a task blocks the event loop/);
    expect(code).toBeNull(); // SIGKILL
  });

  it('fails by name when it comes back in time for the process', async () => {
    const cwd = createProject({ 'tasks.mjs': tasks });
    const { code, stderr } = await lovage(['call', 'late', '--timeout', '15s'], { cwd });
    expect(stderr).toContain('TimeLimitExceeded');
    expect(code).toBe(1);
  });

  it.skipIf(noRedis)('fails with WorkerLostError after the crash budget', { timeout: 60_000 }, async () => {
    const redis = await startRedis();
    onTestFinished(() => redis.stop());
    const cwd = createProject({ 'tasks.mjs': tasks });
    const env = { LOVAGE_BROKER_URL: redis.url, LOVAGE_LOCK_DURATION: '1s', LOVAGE_STALLED_INTERVAL: '500ms' };
    const flags = ['worker', '--crash-budget', '1'];
    for (const first of ['spin', '']) {
      expect((await start(flags, { cwd, env: { ...env, FIRST: first } }).ended).code).toBe(75);
    }
    const last = start(flags, { cwd, env });
    await last.says(/"task":"spin","taskId":"the-one".*its worker was lost 2 times/);
    const { stdout } = await lovage(['result', 'the-one', '--json'], { cwd, env });
    expect(JSON.parse(stdout)).toMatchObject({ state: 'FAILURE', error: { name: 'WorkerLostError' } });
  });
});
