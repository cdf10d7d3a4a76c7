import { describe, expect, it, onTestFinished } from 'vitest';
import { lovage, noRedis, refuses, start, startRedis } from './run-cli.ts';

const app = ['-A', './ordered.ts'];

describe.skipIf(noRedis)('lovage ordering', () => {
  it('lists closed keys and opens them', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const run = (...args: string[]) => lovage([...app, '--broker', url, ...args]);
    const worker = start([...app, '--broker', url, 'worker', '--log-format', 'json']);
    await worker.says(/ready/);
    expect(await run('ordering', 'list')).toMatchObject({ code: 0, stdout: '' });
    expect(await run('call', 'apply', 'k', 'fail')).toMatchObject({ code: 1 });
    const [closed] = JSON.parse((await run('ordering', 'list', '--json')).stdout);
    expect(closed).toMatchObject({ task: 'apply', key: 'k', queue: 'default' });
    expect((await run('ordering', 'list')).stdout).toMatch(/^task +key .*\napply +k +/);
    const waits = run('call', 'apply', 'k', 'ok');
    expect(await run('ordering', 'resume', 'apply', 'k')).toMatchObject({ code: 0 });
    expect(await waits).toMatchObject({ code: 0, stdout: 'ok\n' });
    expect(await run('ordering', 'resume', 'apply', 'k')).toMatchObject({ code: 1 });
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  }, 60_000);

  it('names the actions there are', async () => {
    await refuses(
      [...app, 'ordering', 'open'],
      2,
      /^error: unknown action "open": expected list, resume; see lovage ordering --help\n$/,
    );
    await refuses([...app, 'ordering', 'lst'], 2, /unknown action "lst": did you mean "list"\?/);
  });

  it('asks for task and key', () =>
    refuses(
      [...app, '--broker', 'memory://', 'ordering', 'resume'],
      2,
      /error: ordering resume: name the task and the key/,
    ));
});
