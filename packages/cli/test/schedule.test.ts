import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort, lovage, noRedis, refuses, start, startRedis } from './run-cli.ts';

const app = ['-A', './scheduled.ts'];

describe.skipIf(noRedis)('lovage schedule and lovage beat', () => {
  it('adds, shows, pauses, fires and removes entries', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await lovage([...app, '--broker', url, 'schedule', ...args]);
      return { code, stdout, stderr };
    };
    expect((await run('list')).stdout).toMatch(
      /^name .*\nnightly +active +0 3 \* \* 1-5 \(Europe\/Paris\) +math\.add +- /,
    );
    const bounds = ['--start', '2027-01-01T00:00:10Z', '--end', '2999-01-01T00:00:00Z'];
    await run('add', 'bounded', 'math.add', '1', '1', '--every', '30s', ...bounds);
    expect((await run('next', 'bounded', '--count', '1')).stdout).toMatch(/:[14]0\.000Z\n$/);
    expect(await run('remove', 'bounded')).toMatchObject({ code: 0 });
    const added = await run('add', 'sum', 'math.add', '2', '3', '--every', '30s', '--json');
    expect(JSON.parse(added.stdout)).toMatchObject({ name: 'sum', source: 'api', signature: { args: [2, 3] } });
    expect(await run('pause', 'nightly')).toMatchObject({ code: 0, stdout: '' });
    expect((await run('show', 'nightly')).stdout).toContain('state: paused');
    expect((await run('next', 'sum', '--count', '2')).stdout).toMatch(/^\S+:[03]0\.000Z\n\S+:[03]0\.000Z\n$/);
    expect((await run('run', 'sum')).stdout).toMatch(/^[\w-]{36}\n$/);

    const port = await freePort();
    const beat = start([...app, '--broker', url, 'beat', '--health-port', String(port), '--log-format', 'json']);
    await beat.says(/beat leads/);
    const health = await fetch(`http://127.0.0.1:${port}/`);
    expect([health.status, await health.json()]).toMatchObject([200, { healthy: true, leading: true, entries: 3 }]);
    beat.kill('SIGTERM');
    expect((await beat.ended).code).toBe(0);
    expect(await run('remove', 'sum')).toMatchObject({ code: 0 });
    expect(await run('show', 'sum')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('unknown schedule "sum"'),
    });
  }, 60_000);

  it('a worker with -B fires them too, and ends cleanly', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const worker = start([...app, '--broker', url, 'worker', '-B', '--log-format', 'json']);
    await worker.says(/beat leads/);
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  }, 60_000);
});

describe('bad input of schedule and beat', () => {
  it.each([
    [['schedule', 'show'], 2, /^.*error: schedule show: which entry\?/s],
    [['schedule', 'add', 'x', 'math.add'], 2, /error: schedule add: give one of --every, --cron and --at/],
    [['schedule', 'add', 'x', '--every', '5s'], 2, /error: schedule add: name the task and its arguments/],
    [['schedule', 'add', 'x', 'math.add', '--cron', '0 25 * * *'], 2, /hour: "25" cannot be: allowed are 0–23/],
    [['schedule', 'add', 'x', 'math.ad', '--every', '5s'], 2, /did you mean "math\.add"\?/],
    [['schedule', 'add', 'x', 'math.add', '--every', '5s', '--tz', 'UTC'], 2, /--tz is for --cron/],
    [
      ['schedule', 'add', 'x', 'math.add', '--every', '5s', '--end', 'tomorrow'],
      2,
      /option end: 'tomorrow' is not a time/,
    ],
    [['beat', '--lease', '5'], 2, /5 ms is too short for a lease/],
    [['beat', '--health-port', 'x'], 2, /--health-port: expected a port, received "x"/],
  ])('%j', (args, code, message) => refuses([...app, '--broker', 'memory://', ...args], code, message));
});
