import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fixtures, lovage, noRedis, type RedisServer, start, startRedis } from './run-cli.ts';

const bin = fileURLToPath(new URL('../../lovage/dist/bin.js', import.meta.url));
const noTmux = spawnSync('tmux', ['-V']).status === 0 ? undefined : 'tmux is missing';

describe.skipIf(noRedis)('top on a real Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  it('prints one look where there is no terminal', async () => {
    const { code, stdout } = await lovage(['top'], { env: { LOVAGE_BROKER_URL: redis.url } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^lovage top {2}redis:\/\/.*\nNo worker answers\.\n/);
  });

  it.skipIf(noTmux)(
    'on a terminal pauses a queue by its keys, and leaves the screen as it was',
    { timeout: 120_000 },
    async () => {
      const env = { LOVAGE_BROKER_URL: redis.url };
      const worker = start(['-A', './shop.js', 'worker', '-n', 'w1'], { env });
      await worker.says(/"msg":"ready"/);
      await lovage(['-A', './shop.js', 'call', 'add', '1', '2'], { env });
      const socket = `lovage-top-${process.pid}`;
      const tmux = (...args: string[]) =>
        spawnSync('tmux', ['-u', '-L', socket, ...args], {
          encoding: 'utf8',
          cwd: fixtures,
          env: { ...process.env, LC_ALL: 'C.UTF-8' },
        });
      onTestFinished(() => void tmux('kill-server'));
      const command = `LOVAGE_BROKER_URL=${redis.url} ${process.execPath} ${bin} top --interval 200ms; echo left the screen; sleep 60`;
      tmux('new-session', '-d', '-x', '120', '-y', '40', command);
      const screen = (): string => stripVTControlCharacters(tmux('capture-pane', '-p').stdout);
      const shows = (pattern: RegExp) => expect.poll(screen, { timeout: 15_000, interval: 100 }).toMatch(pattern);
      await shows(/All is well: 0 of 8 slots busy at 1 worker/);
      await shows(/▶ default/);
      tmux('send-keys', 'p');
      await shows(/pause queue default\? y\/n/);
      tmux('send-keys', 'y');
      await shows(/Queue default is paused/);
      tmux('send-keys', 'q');
      await shows(/left the screen/);
      expect((await lovage(['queues'], { env })).stdout).toMatch(/default .* paused/);
      worker.kill('SIGTERM');
      await worker.ended;
    },
  );
});
