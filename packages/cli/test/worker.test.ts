import { describe, expect, it } from 'vitest';
import { createProject, lovage, start } from './run-cli.ts';

const shop = ['-A', './shop.js'];

describe('worker on memory://', () => {
  it('introduces itself, says when it is ready, and ends by SIGTERM', async () => {
    const worker = start([
      ...shop,
      'worker',
      '--log-format',
      'pretty',
      '-n',
      'w1',
      '-Q',
      'default',
      '-Q',
      'billing',
      '-c',
      '3',
    ]);
    await worker.says(/INFO {2}ready {2}worker=w1 {2}queues=default,billing {2}slots=3/);
    worker.kill('SIGTERM');
    const { code, stdout, stderr } = await worker.ended;
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^lovage \d\S+ {2}shop {2}· {2}node \S+ {2}· {2}pid \d+\n app +\.\/shop\.js\n/);
    expect(stderr).toMatch(/ broker +memory:\/\/ {2}\(only this process can send it tasks\)\n/);
    expect(stderr).toMatch(/ queues +default, billing {2}×3\n tasks +add\n +charge\n/);
    expect(stderr).toContain('SIGTERM: ending now');
    expect(stderr).toContain('stopped: no task handed back');
  });

  it.each(['SIGINT', 'SIGQUIT'] as const)('ends by %s with 0, and logs JSON into a pipe', async (signal) => {
    const worker = start([...shop, 'worker']);
    await worker.says(/"msg":"ready"/);
    worker.kill(signal);
    const { code, stderr } = await worker.ended;
    expect(code).toBe(0);
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(lines[0]).toMatchObject({
      level: 'info',
      msg: 'starting',
      app: 'shop',
      broker: 'memory://',
      queues: ['default', 'elsewhere'],
      slots: 8,
    });
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped: no task handed back', handedBack: 0 });
  });

  it('gives tasks their drain that began while a signal was on its way', async () => {
    const text = `import { isMainThread } from 'node:worker_threads';
      import { Lovage } from 'lovage';
      if (!isMainThread) await new Promise((resolve) => setTimeout(resolve, 1000)); // so that the start takes a while
      export const app = new Lovage('slow');
      const work = app.task({ name: 'work', pool: 'async' }, async () => {
        await new Promise((resolve) => setTimeout(resolve, 5500));
        console.log('done');
      });
      if (isMainThread) await work.delay();`;
    const worker = start(['worker', '--pool', 'threads'], { cwd: createProject({ 'tasks.mjs': text }) });
    await worker.says(/"msg":"starting"/);
    worker.kill('SIGTERM');
    const { code, stdout, stderr } = await worker.ended;
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: 'done\n' });
  });

  it('takes its level from the constructor, below flag and environment', async () => {
    const text = "import { Lovage } from 'lovage'; export const app = new Lovage('q', { logLevel: 'error' });";
    const cwd = createProject({ 'tasks.mjs': text });
    const quiet = start(['worker', '--log-format', 'pretty'], { cwd });
    const loud = start(['worker', '--log-format', 'pretty', '-l', 'info'], { cwd });
    await quiet.says(/tasks +none/);
    await loud.says(/INFO {2}ready/);
    loud.kill('SIGTERM');
    await loud.ended;
    quiet.kill('SIGTERM');
    expect((await quiet.ended).stderr).not.toContain('INFO');
  });

  it('refuses memory:// under --strict-broker with 69', () =>
    lovage([...shop, 'worker', '--strict-broker']).then(({ code, stderr }) => {
      expect(stderr).toMatch(/error: memory:\/\/: tasks and results live in this process only/);
      expect(code).toBe(69);
    }));
});
