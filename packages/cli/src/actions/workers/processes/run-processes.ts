import type { Logger } from '@lovage/core';
import { type ExitCode, exitCodeOfSignal } from '../../../exit-code.ts';
import { serveHealth } from '../../../health/health-server.ts';
import type { Page } from '../../../health/metrics-source.ts';
import type { Health, Probe } from '../../../health/readiness.ts';
import { type SignalWatch, watchSignals } from '../../../signal-watch.ts';
import { mergeMetrics } from './merge-metrics.ts';
import { type Ended, WorkerSlot } from './worker-slot.ts';

/** What processes may end with that a start again would not change. */
const ownFaults: ReadonlySet<number | null> = new Set([1, 2, 69, 70]);
const codes: readonly ExitCode[] = [0, 1, 2, 69, 70, 75, 124, 130, 143];

/** Runs a worker in each of several processes and keeps them running, until a signal ends all of them as one. */
export async function runProcesses(
  count: number,
  given: { readonly healthPort?: string; readonly healthHost?: string },
  logger: Logger,
): Promise<ExitCode> {
  const supervisor = new Supervisor(count, logger);
  const health = await serveHealth(
    given,
    { health: (probe) => supervisor.health(probe), page: (url) => supervisor.page(url) },
    logger,
  );
  try {
    return await supervisor.run(watchSignals(() => supervisor.kill()));
  } finally {
    health?.close();
  }
}

/** Keeps worker processes. */
class Supervisor {
  readonly #logger: Logger;
  readonly #slots: readonly WorkerSlot[];
  #started = false;
  #ending = false;
  #killed = false;
  #worst: ExitCode = 0;
  #resolve: (code: ExitCode) => void = () => {};

  constructor(count: number, logger: Logger) {
    this.#logger = logger;
    this.#slots = Array.from({ length: count }, (_, index) => this.#createSlot(index + 1, count));
  }

  /** Resolves when all have ended. */
  async run(signals: SignalWatch): Promise<ExitCode> {
    const over = new Promise<ExitCode>((resolve) => {
      this.#resolve = resolve;
    });
    void signals.first.then((signal) => this.#end(signal));
    void signals.second.then((signal) => this.#end(signal));
    this.#slots[0]?.start();
    const code = await over;
    if (this.#killed) return exitCodeOfSignal(signals.received ?? 'SIGTERM');
    return code;
  }

  /** A third signal. */
  kill(): void {
    this.#killed = true;
    for (const slot of this.#slots) slot.kill();
  }

  /** That this process answers is what `live` asks: it starts the others again. For the rest each of them is to be well. */
  async health(probe: Probe): Promise<Health> {
    if (probe === 'live') return { ok: true };
    const found = await Promise.all(this.#slots.map((slot) => slot.health(probe)));
    const unwell = found.findIndex(({ ok }) => !ok);
    if (unwell === -1) return { ok: true };
    return { ok: false, reason: `process ${unwell + 1} of ${found.length}: ${found[unwell]?.reason ?? 'not well'}` };
  }

  /** `/metrics` of all of them, added up; any other page of the first that has it. */
  async page(url: URL): Promise<Page | undefined> {
    const pages = await Promise.all(this.#slots.map((slot) => slot.page(url.href)));
    const [first, ...rest] = pages.filter((page) => page !== undefined);
    if (first === undefined || url.pathname !== '/metrics') return first;
    return { ...first, body: mergeMetrics([first, ...rest].map(({ body }) => body)) };
  }

  #createSlot(number: number, of: number): WorkerSlot {
    return new WorkerSlot(number, of, {
      onReady: () => this.#startOthers(),
      onEnd: (ended, pause) => this.#ended(number, ended, pause),
    });
  }

  /** The first process has shown that the app can be run. */
  #startOthers(): void {
    if (this.#started || this.#ending) return;
    this.#started = true;
    for (const slot of this.#slots.slice(1)) slot.start();
  }

  #end(signal: NodeJS.Signals): void {
    this.#ending = true;
    for (const slot of this.#slots) slot.end(signal);
  }

  #ended(process: number, ended: Ended, pause: number | undefined): void {
    const how = ended.signal ?? `exit code ${ended.code}`;
    if (pause === undefined) this.#worst = worse(this.#worst, ended);
    else if (!this.#started && ownFaults.has(ended.code)) this.#giveUp(ended);
    else this.#logger.error('a worker process ended, and is started again', { process, how, inMs: pause });
    if (this.#slots.every(({ isOver }) => isOver)) this.#resolve(this.#worst);
  }

  /** The first has said why it cannot start: so it would be with all. */
  #giveUp(ended: Ended): void {
    this.#worst = worse(this.#worst, ended);
    if (!this.#ending) this.#end('SIGTERM');
  }
}

/** The code that says more: any but 0 over 0, the first of them over later ones. */
function worse(worst: ExitCode, { code, signal }: Ended): ExitCode {
  if (worst !== 0) return worst;
  if (signal !== null) return 1;
  return codes.find((known) => known === code) ?? 1;
}
