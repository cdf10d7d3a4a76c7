import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { freePort } from './redis-server.ts';
import { useRedis } from './use-redis.ts';

const script = fileURLToPath(new URL('./producer.script.ts', import.meta.url));
/** Maps core to its sources: no test sees a stale build. */
const tsconfig = fileURLToPath(new URL('./tsconfig.producer.json', import.meta.url));
const tsx = fileURLToPath(new URL('../../../node_modules/tsx/dist/cli.mjs', import.meta.url));

const redis = useRedis();

/** A process that runs the script and is ended after two minutes. */
class Program {
  said = '';
  readonly #child;
  readonly #ended;

  constructor(url: string, how: string) {
    this.#child = spawn(process.execPath, [tsx, '--tsconfig', tsconfig, script, url, how], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
      killSignal: 'SIGKILL',
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.said += bytes;
      });
    }
    this.#ended = once(this.#child, 'exit') as Promise<[number | null]>;
  }

  async says(text: string): Promise<void> {
    while (!this.said.includes(text)) await once(this.#child.stdout, 'data');
  }

  /** The exit code; null when it had to be killed. */
  async end(): Promise<number | null> {
    const [code] = await this.#ended;
    return code;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

describe.each(['redis', 'redis+streams'])('a program on %s that does not close its app', (scheme) => {
  const url = (): string => redis.server.url.replace('redis', scheme);

  it('ends by itself when its task was sent', { timeout: 130_000 }, async () => {
    const program = new Program(url(), 'send');
    expect(await program.end()).toBe(0);
    expect(program.said).toBe('sent\n');
  });

  it('ends when its result is there, and not before', { timeout: 130_000 }, async () => {
    const programs = ['call', 'get'].map((how) => new Program(url(), how));
    const app = new Lovage('shop', { broker: url(), drivers: [redisDriver, streamsDriver], logLevel: 'silent' });
    redis.endings.push(() => app.close());
    app.task('mail.send', (to: string) => `sent to ${to}`);
    await startWorker(app);
    for (const program of programs) {
      const code = await program.end();
      expect({ code, said: program.said }).toEqual({ code: 0, said: 'sent to a@b.c\n' });
    }
  });

  it('ends when Redis is not there and the call was refused', { timeout: 130_000 }, async () => {
    const program = new Program(url().replace(/:\d+/, `:${await freePort()}`), 'fail');
    expect(await program.end()).toBe(0);
    expect(program.said).toBe('BrokerUnavailableError\n');
  });

  it('stays while it listens', { timeout: 130_000 }, async () => {
    const program = new Program(url(), 'listen');
    await program.says('listening');
    const idle = new Program(url(), 'send'); // has come and gone before it is looked at
    expect(await idle.end()).toBe(0);
    program.kill();
    expect(await program.end()).toBeNull();
  });
});
