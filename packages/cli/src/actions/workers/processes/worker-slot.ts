import { type ChildProcess, spawn } from 'node:child_process';
import type { Page } from '../../../health/metrics-source.ts';
import type { Health, Probe } from '../../../health/readiness.ts';
import { type FromProcess, supervisedEnvironment, type ToProcess } from './process-link.ts';

/** The first pause before a process that ended is started again, and the longest one, in milliseconds. */
const firstPause = 500;
const longestPause = 30_000;
/** A process that was ready for so long had a good start: the next pause is the first one again. In milliseconds. */
const goodRun = 60_000;
/** How long a process may take to answer a probe, in milliseconds: probes themselves have a second or two. */
const answerTimeout = 1_000;

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a slot tells its supervisor. */
export interface SlotEvents {
  readonly onReady: () => void;
  /** It will be started again after `pause`, unless that is undefined. */
  readonly onEnd: (ended: Ended, pause: number | undefined) => void;
}

/** The place of one of a supervisor's processes: starts it, and again when it ended by itself. */
export class WorkerSlot {
  /** From 1, of so many. */
  readonly #number: number;
  readonly #of: number;
  readonly #events: SlotEvents;
  #process: ChildProcess | undefined;
  #state: 'waiting' | 'starting' | 'ready' | 'over' = 'waiting';
  #starts = 0;
  #readyAt = 0;
  #pause = firstPause;
  #timer: NodeJS.Timeout | undefined;
  #restarts = true;
  #asked = 0;
  readonly #answers = new Map<number, (message: FromProcess | undefined) => void>();

  constructor(number: number, of: number, events: SlotEvents) {
    this.#number = number;
    this.#of = of;
    this.#events = events;
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Starts its process with this one's own command line. */
  start(): void {
    const [program = '', ...args] = process.argv.slice(1);
    this.#state = 'starting';
    this.#starts += 1;
    this.#process = spawn(process.execPath, [...process.execArgv, program, ...args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: supervisedEnvironment(this.#number, this.#of, this.#starts),
    });
    this.#process.on('message', (message: FromProcess) => this.#hear(message));
    this.#process.once('error', () => this.#ended({ code: null, signal: null })); // it could not be started
    this.#process.once('exit', (code, signal) => this.#ended({ code, signal }));
  }

  /** Passes a signal on, and starts the process no more. */
  end(signal: NodeJS.Signals): void {
    this.#restarts = false;
    clearTimeout(this.#timer);
    if (this.#state === 'waiting') this.#ended({ code: 0, signal: null });
    else this.#say({ signal });
  }

  /** Ends the process whatever it does. */
  kill(): void {
    this.#restarts = false;
    this.#process?.kill('SIGKILL');
  }

  /** Not well when it does not answer in time. */
  async health(probe: Probe): Promise<Health> {
    if (this.#state === 'waiting') return { ok: false, reason: 'it waits for its start' };
    const found = await this.#ask((ask) => ({ ask, probe }));
    return found && 'health' in found ? found.health : { ok: false, reason: 'it does not answer' };
  }

  /** undefined when it does not answer in time, or has no such page. */
  async page(url: string): Promise<Page | undefined> {
    const found = await this.#ask((ask) => ({ ask, page: url }));
    return found && 'page' in found ? found.page : undefined;
  }

  #hear(message: FromProcess): void {
    if ('answer' in message) this.#answers.get(message.answer)?.(message);
    else if ('leaving' in message) this.#restarts = false;
    else {
      this.#state = 'ready';
      this.#readyAt = performance.now();
      this.#events.onReady();
    }
  }

  #ended(ended: Ended): void {
    if (this.#state === 'over') return;
    for (const answer of [...this.#answers.values()]) answer(undefined);
    if (this.#state === 'ready' && performance.now() - this.#readyAt >= goodRun) this.#pause = firstPause;
    this.#state = this.#restarts ? 'waiting' : 'over';
    if (!this.#restarts) return this.#events.onEnd(ended, undefined);
    const pause = this.#pause;
    this.#pause = Math.min(longestPause, pause * 2);
    this.#timer = setTimeout(() => this.start(), pause);
    this.#events.onEnd(ended, pause);
  }

  #ask(question: (ask: number) => ToProcess): Promise<FromProcess | undefined> {
    return new Promise((resolve) => {
      this.#asked += 1;
      const ask = this.#asked;
      const settle = (message: FromProcess | undefined): void => {
        clearTimeout(late);
        this.#answers.delete(ask);
        resolve(message);
      };
      const late = setTimeout(() => settle(undefined), answerTimeout);
      this.#answers.set(ask, settle);
      if (!this.#say(question(ask))) settle(undefined);
    });
  }

  #say(message: ToProcess): boolean {
    if (!this.#process?.connected) return false;
    this.#process.send(message, undefined, {}, () => {}); // it may be ending
    return true;
  }
}
