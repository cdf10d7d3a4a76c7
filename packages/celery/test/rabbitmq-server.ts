import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findRabbitmq } from '../../../scripts/ensure-rabbitmq.mjs';
import { freePort } from '../../redis/test/redis-server.ts';

const program = findRabbitmq();

/** Why tests that need RabbitMQ cannot run; undefined when they can. With LOVAGE_REQUIRE_PARTS they must. */
export const missingRabbitmq: string | undefined =
  program === undefined && process.env['LOVAGE_REQUIRE_PARTS'] !== '1'
    ? 'RabbitMQ is missing: node scripts/ensure-rabbitmq.mjs'
    : undefined;

/** A real RabbitMQ of a test file: own ports, own data, own Erlang port mapper. */
export class RabbitmqServer {
  readonly port: number;
  readonly #folder: string;
  readonly #ports: { readonly dist: number; readonly mapper: number };
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, ports: { readonly dist: number; readonly mapper: number }) {
    this.port = port;
    this.#folder = folder;
    this.#ports = ports;
  }

  static async start(): Promise<RabbitmqServer> {
    const folder = await mkdtemp(join(tmpdir(), 'lovage-rabbitmq-'));
    const [port, dist, mapper] = [await freePort(), await freePort(), await freePort()];
    const server = new RabbitmqServer(port, folder, { dist, mapper });
    await server.launch();
    return server;
  }

  /** As Python writes it; the default virtual host. */
  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.port}//`;
  }

  /** Starts it, also again after {@link kill}: durable queues are as they were. */
  async launch(): Promise<void> {
    const folder = this.#folder;
    const config = `listeners.tcp.1 = 127.0.0.1:${this.port}\nlog.console = false\nlog.file = ${folder}/log\n`;
    await writeFile(join(folder, 'rabbitmq.conf'), config);
    await writeFile(join(folder, 'plugins'), '[].');
    this.#process = spawn(program as string, [], {
      stdio: 'ignore',
      cwd: folder, // where Erlang leaves its dumps
      detached: true,
      env: {
        ...process.env,
        HOME: folder,
        RABBITMQ_NODENAME: `lovage${this.port}@localhost`,
        RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
        RABBITMQ_LOG_BASE: folder,
        RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
        RABBITMQ_DIST_PORT: String(this.#ports.dist),
        ERL_EPMD_PORT: String(this.#ports.mapper),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1',
      },
    });
    await this.#serves();
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    process.kill(-(child.pid as number), 'SIGKILL'); // the shell, and the Erlang machine that it started
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Until it speaks AMQP: it refuses connections before. */
  async #serves(): Promise<void> {
    const end = Date.now() + 120_000;
    while (Date.now() < end) {
      if (await greets(this.port)) return;
      await delay(200);
    }
    throw new Error('RabbitMQ did not start within 120 s');
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const done = (serves: boolean): void => {
      socket.destroy();
      resolve(serves);
    };
    socket.on('connect', () => socket.write('AMQP\x00\x00\x09\x01'));
    socket.on('data', () => done(true));
    socket.on('error', () => done(false));
    socket.setTimeout(2_000, () => done(false));
  });
}
