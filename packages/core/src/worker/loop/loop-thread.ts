import { Worker as Thread } from 'node:worker_threads';
import { systemClock, type Timer, withDeadline } from '../../clock.ts';
import type { LeaseGuardPlan, LeaseGuardSource } from '../../driver/lease-guard.ts';
import { ConfigurationError } from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import { Backoff } from '../../retry.ts';
import { findProgram } from '../program-file.ts';
import type { BlockedLimitAction } from './blocked-loop.ts';
import type { LeaseRenewalReady, LeaseRenewalSetup, ToLeaseRenewal } from './run-lease-renewal-thread.ts';

const program = {
  what: 'the thread that renews leases while a task blocks the event loop',
  option: 'leaseRenewalThread',
  entry: 'a module that calls runLeaseRenewalThread() of lovage/lease-renewal-thread',
  file: 'worker/loop/lease-renewal-thread-main.js',
  otherwise:
    '; or switch it off with maxEventLoopBlock: 0: a task that blocks the event loop longer than lockDuration then runs again elsewhere',
} as const;

/** How long the thread may take to start on a busy machine, in milliseconds. */
const startWithin = 30_000;
const restartDelay = { first: 1_000, longest: 60_000 };

/** What the thread is started with. */
export interface LoopThreadOptions {
  readonly logger: Logger;
  /** Where its program is. @default beside this package's files */
  readonly file: string | URL | undefined;
  readonly number: number;
  readonly action: BlockedLimitAction;
  /** Asked at each start. */
  readonly setup: () => Omit<LeaseRenewalSetup, 'thread' | 'action'>;
}

/** The thread beside the event loop: started once it is needed, and again when it ends by itself. */
export class LoopThread {
  readonly #options: LoopThreadOptions;
  #thread: Thread | undefined;
  #ready: Promise<LeaseRenewalReady> | undefined;
  #plan: LeaseGuardPlan | undefined;
  #restart: Timer | undefined;
  readonly #delays = new Backoff(restartDelay);
  #closed = false;

  constructor(options: LoopThreadOptions) {
    this.#options = options;
  }

  /** Starts it unless it is there. Throws {@link ConfigurationError} when its program cannot be found. */
  start(): void {
    if (this.#closed || this.#thread !== undefined || this.#restart !== undefined) return;
    const { file, number: thread, action, setup } = this.#options;
    this.#run(findProgram(program, file), { ...setup(), thread, action });
  }

  /** Resolves when it looks, and can renew the leases of that driver. Throws {@link ConfigurationError}. */
  async prepare({ name, module }: LeaseGuardSource): Promise<void> {
    this.start();
    const late = (): Error => new Error(`it did not start within ${startWithin} ms`);
    const { guards } = await withDeadline(
      systemClock,
      startWithin,
      this.#ready as Promise<LeaseRenewalReady>,
      late,
    ).catch((error: unknown) => {
      throw new ConfigurationError(`${program.what} cannot start: ${String(error)}${program.otherwise}`, {
        cause: error,
      });
    });
    if (!guards.includes(name))
      findProgram({ ...program, what: `${program.what} (of ${name})` }, module ?? missing(name));
  }

  /** Which leases it renews from now on. Throws {@link ConfigurationError} for a plan that no thread can be given. */
  follow(plan: LeaseGuardPlan): void {
    this.#plan = plan;
    try {
      this.#send({ type: 'plan', plan });
    } catch (cause) {
      throw new ConfigurationError(
        `${program.what} cannot be given the options of the connection, which must be plain data (connection.tls without functions): ` +
          `${String(cause)}${program.otherwise}`,
        { cause },
      );
    }
  }

  /** Where the hard limits are from now on. */
  share(limits: SharedArrayBuffer): void {
    this.#send({ type: 'limits', limits });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#restart?.cancel();
    await this.#thread?.terminate();
    this.#thread = undefined;
  }

  #send(message: ToLeaseRenewal): void {
    this.#thread?.postMessage(message);
  }

  #run(url: URL, setup: LeaseRenewalSetup): void {
    const thread = new Thread(url, {
      workerData: setup,
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 },
    });
    this.#thread = thread;
    this.#ready = new Promise((resolve, reject) => {
      thread.once('message', resolve);
      let cause: unknown;
      thread.on('error', (error) => {
        cause = error;
      });
      thread.on('exit', (code) => {
        const error = cause ?? new Error(`the thread ended with code ${code}`);
        reject(error);
        this.#lost(thread, error);
      });
    });
    this.#ready.catch(() => {}); // prepare() and the line in the log tell
    thread.unref();
  }

  /** Tasks go on meanwhile without it, and the log says so each time. */
  #lost(thread: Thread, error: unknown): void {
    if (this.#closed || this.#thread !== thread) return;
    this.#thread = undefined;
    const inMs = this.#delays.next();
    this.#options.logger.error(`${program.what} has ended: starting it again`, { error, inMs });
    const again = (): void => {
      this.#restart = undefined;
      this.start();
      if (this.#plan) this.follow(this.#plan);
    };
    this.#restart = systemClock.after(inMs, again, { background: true });
  }
}

/** What the error names where a bundler has taken the module away. */
function missing(name: string): string {
  return `file:///${name}/lease-guard.js`;
}
