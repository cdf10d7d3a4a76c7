import { Lovage } from '../../app/app.ts';
import type { LogFields, Logger } from '../../logger.ts';
import type { AppOptions } from '../../settings/app-options.ts';
import { startWorker, type WorkerOptions } from '../../worker/start-worker.ts';
import type { Worker } from '../../worker/worker.ts';

/** What a driver gives the scenarios: one empty store per scenario. */
export interface ScenarioStore {
  /** The broker's URL; apps with the same options share the store. */
  readonly options: AppOptions;
  /** The shortest lease that is safe on this store. */
  readonly fastLease: { readonly lockDuration: number; readonly stalledInterval: number };
  /** Takes the lease of a running message away behind its holder's back. */
  loseLease?(queue: string, id: string): Promise<void>;
  /** Puts bytes where the queue keeps its messages. */
  injectRaw?(queue: string, body: string): Promise<void>;
  /** Removes the store's data. */
  close(): Promise<void>;
}

/** A line that an app or worker logged. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Apps and workers of one scenario, closed at its end. */
export class ScenarioBench {
  readonly store: ScenarioStore;
  readonly log: LogLine[] = [];
  readonly #apps: Lovage[] = [];

  constructor(store: ScenarioStore) {
    this.store = store;
  }

  /** An app on the scenario's store: a second one stands for another process. */
  app(options: AppOptions = {}, name = 'scenario'): Lovage {
    const app = new Lovage(name, { logger: this.#logger(), ...this.store.options, ...options });
    this.#apps.push(app);
    return app;
  }

  /** A worker of an app, with short leases. */
  worker(app: Lovage, options: WorkerOptions = {}): Promise<Worker> {
    return startWorker(app, { concurrency: 4, drain: '5s', ...this.store.fastLease, ...options });
  }

  async close(): Promise<void> {
    await Promise.all(this.#apps.map((app) => app.close()));
    await this.store.close();
  }

  #logger(): Logger {
    const line =
      (level: string) =>
      (message: string, fields: LogFields = {}) =>
        void this.log.push({ level, message, fields });
    const logger: Logger = {
      debug: () => {},
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: () => logger,
    };
    return logger;
  }
}

/** One user-visible flow, from the first line to the last. */
export interface Scenario {
  readonly name: string;
  /** What the store must be able to do for it. */
  readonly needs?: 'loseLease' | 'injectRaw';
  run(bench: ScenarioBench): Promise<void>;
}

/** What a call came to, as one comparable value. */
export async function settled(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    return { name: (error as Error).name, message: (error as Error).message };
  }
}
