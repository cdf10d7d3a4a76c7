// A child process that holds one system, and the questions the harness asks it. The child's side is child.ts.
import { type ChildProcess, fork } from 'node:child_process';
import type { SystemName } from './systems/systems.ts';
import { fileInTree } from './tree.ts';

/** What a run of tasks took, as the process that ran or awaited them saw it. */
export interface Spent {
  readonly count: number;
  readonly seconds: number;
  /** CPU time of that process, user and system, in microseconds. */
  readonly cpu: number;
}

/** What a group took; its time includes two garbage collections. */
export interface GroupSpent extends Spent {
  /** Bytes of live heap that the producer gained from the tenth part of the members to the last one. */
  readonly heap: number;
}

/** How tasks came to a worker of one slot. */
export interface Gaps {
  /** Microseconds from the end of one handler to the next, without the first fifth. */
  readonly gaps: readonly number[];
  /** Resident memory of the worker's process at the end, in bytes. */
  readonly rss: number;
}

/** What a child can be asked, with the answer. */
export interface Questions {
  /** Sends that many tasks; how long the broker took to accept them. */
  fill(count: number): Spent;
  /** Starts a worker. */
  work(): null;
  /** Starts a worker and waits until it has run that many; the first fifth warms up and is not counted. */
  drain(count: number): Spent;
  /** Sends tasks and awaits every result. */
  trip(count: number): Spent;
  /** One call after the other; each one's microseconds. */
  calls(count: number): readonly number[];
  /** Sends tasks, to be awaited by the next question. */
  send(count: number): null;
  /** Awaits the results of what was sent. */
  awaitSent(): Spent;
  /** Sends a chord from a generator and awaits its body. */
  chord(count: number): Spent;
  /** Sends a group and awaits its values. */
  group(count: number): GroupSpent;
  /** Sends that many tasks that are not due for an hour. */
  delay(count: number): null;
  /** Starts a worker of one slot, runs that many, and tells how long each one took to come. */
  gaps(count: number): Gaps;
  /** CPU time so far, in microseconds. */
  cpu(): number;
  /** Bytes of live heap, after a garbage collection. */
  heap(): number;
  /** How many tasks have run here. */
  ran(): number;
}

export type Question = keyof Questions;

/** The longest answer, a soak on a slow machine, takes a tenth of this. */
const maxWait = 600_000;

/** The harness's end of a child process. */
export class SystemProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  constructor(system: SystemName, url: string) {
    const file = fileInTree('packages/bench/dist/child.js');
    const execArgv = ['--expose-gc', ...(process.env['BENCH_EXEC_ARGV']?.split(' ') ?? [])];
    this.#child = fork(file, [system, url], { execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  /** Rejects when the child says so, ends, or does not answer in time. */
  ask<Q extends Question>(question: Q, ...given: Parameters<Questions[Q]>): Promise<ReturnType<Questions[Q]>> {
    return new Promise((resolve, reject) => {
      const settle = (end: () => void): void => {
        clearTimeout(late);
        this.#child.off('message', onAnswer).off('exit', onExit);
        end();
      };
      const fail = (why: string): void => settle(() => reject(new Error(`${question}: ${why}`)));
      const onAnswer = ({ value, error }: { value?: ReturnType<Questions[Q]>; error?: string }): void => {
        if (error === undefined)
          settle(() => resolve(value as ReturnType<Questions[Q]>)); // child.ts answers in kind
        else fail(error);
      };
      const onExit = (code: number | null): void => fail(`the process ended with ${code}`);
      const late = setTimeout(() => fail(`no answer within ${maxWait / 1000} s`), maxWait);
      this.#child.once('message', onAnswer).once('exit', onExit);
      this.#child.send({ question, given });
    });
  }

  /** Lets it close its connections and end. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await this.#ended;
    clearTimeout(late);
  }
}

/** Gives `use` processes of these systems and ends them afterwards, whatever happens. */
export async function withProcesses<T>(
  url: string,
  systems: readonly SystemName[],
  use: (...processes: SystemProcess[]) => Promise<T>,
): Promise<T> {
  const processes = systems.map((system) => new SystemProcess(system, url));
  try {
    return await use(...processes);
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
  }
}
