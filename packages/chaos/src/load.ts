import { type AsyncResult, BrokerMemoryError, Lovage, ResultExpiredError, ResultTimeoutError } from 'lovage';
import type { Ledger } from './ledger/ledger.ts';

/** How a producer is made. */
export interface LoadOptions {
  readonly url: string;
  readonly ledger: Ledger;
  readonly backend?: string;
  readonly socketTimeout?: string;
  readonly publishTimeout?: string;
  readonly drivers?: NonNullable<ConstructorParameters<typeof Lovage>[1]>['drivers'];
}

/** One call of the load. */
export interface Call {
  /** Its name in the ledgers. */
  readonly key: string;
  readonly task: string;
  readonly args: readonly unknown[];
  /** Not to be run before, epoch milliseconds. */
  readonly due?: number;
  readonly queue?: string;
}

/** How fast calls are sent. */
export interface Pace {
  /** How many at once. @default 20 */
  readonly parallel?: number;
  /** Milliseconds between two of each of them. @default 0 */
  readonly pace?: number;
}

type CallResults = Map<string, AsyncResult>;

/** A producer that writes down what it did and was told, and then awaits every result as callers do. */
export class Load {
  readonly app: Lovage;
  /** What was accepted, or may have been. */
  readonly results: CallResults = new Map();
  /** Milliseconds that each accepted call took to send. */
  readonly latencies: number[] = [];
  /** What calls failed with, by key. */
  readonly failures: Map<string, string> = new Map();
  /** Why calls were refused. */
  readonly errors: Error[] = [];
  readonly #ledger: Ledger;
  #givenUp = false;

  constructor({ url, ledger, backend, socketTimeout = '3s', publishTimeout = '5s', drivers }: LoadOptions) {
    this.#ledger = ledger;
    this.app = new Lovage('chaos', {
      broker: url,
      logLevel: 'silent',
      publishTimeout,
      connection: { socketTimeout },
      ...(backend ? { backend } : {}),
      ...(drivers ? { drivers } : {}),
    });
  }

  /** Sends one call. Never rejects: what became of it is in the ledger. */
  async send({ key, task, args, due, queue }: Call): Promise<void> {
    this.#ledger.note('SUBMIT', key, due === undefined ? {} : { detail: String(due) });
    const began = performance.now();
    try {
      const options = { ...(due === undefined ? {} : { eta: new Date(due) }), ...(queue ? { queue } : {}) };
      const result = await this.app.sendTask(task, [key, ...args], options);
      this.latencies.push(performance.now() - began);
      this.#ledger.note('ACK', key);
      this.results.set(key, result);
    } catch (error) {
      this.errors.push(error as Error);
      const refused = error instanceof BrokerMemoryError;
      this.#ledger.note(refused ? 'NACK' : 'UNKNOWN', key, { detail: (error as Error).name });
    }
  }

  /** Sends all of them. */
  async sendAll(calls: readonly Call[], { parallel = 20, pace = 0 }: Pace = {}): Promise<void> {
    const waiting = calls.values();
    const send = async (): Promise<void> => {
      for (const call of waiting) {
        if (this.#givenUp) return;
        await this.send(call);
        if (pace > 0) await new Promise((resolve) => setTimeout(resolve, pace));
      }
    };
    await Promise.all(Array.from({ length: parallel }, send));
  }

  /** Sends no more of what {@link Load.sendAll} was given. */
  giveUp(): void {
    this.#givenUp = true;
  }

  /** Awaits every accepted call's result, up to `timeout` milliseconds for all, and writes down what was told. */
  async observe(timeout: number): Promise<void> {
    await Promise.all([...this.results].map(([key, result]) => this.#observe(key, result, timeout)));
  }

  /** Asks again for results that are there: what was told once must not change. */
  async observeAgain(): Promise<void> {
    await Promise.all([...this.results].map(([key, { id }]) => this.#observe(key, this.app.asyncResult(id), 5_000)));
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  async #observe(key: string, result: AsyncResult, timeout: number): Promise<void> {
    try {
      const { state, value, failure } = await result.wait({ timeout });
      if (failure) this.failures.set(key, failure.name);
      this.#ledger.note('RESULT', key, { ...(typeof value === 'string' ? { run: value } : {}), detail: state });
    } catch (error) {
      this.#ledger.note('RESULT', key, { detail: stateOf(error) });
    }
  }
}

function stateOf(error: unknown): string {
  if (error instanceof ResultExpiredError) return 'EXPIRED';
  if (error instanceof ResultTimeoutError) return 'PENDING';
  return `ERROR ${(error as Error).name}`;
}
