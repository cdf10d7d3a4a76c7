import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';
import { asCall } from '../canvas/as-call.ts';
import type { AnySignature } from '../canvas/signature.ts';
import type { Clock } from '../clock.ts';
import type { Monitor, ParkedLetter, QueueCounts } from '../driver/monitor.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import { ConfigurationError, type LovageError, NotSupportedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { NamedCall } from '../producer/named-call.ts';
import type { TaskDefinition } from '../task/task.ts';

/** Calls that cannot be sent, by their place in the list: a schema refused the arguments, or they are too large. */
export type RefusedCalls = ReadonlyMap<number, LovageError>;

/** The task that a connector sends records to. */
export interface ConnectorTarget {
  readonly task: string;
  readonly queue: string;
  /** Whether its calls wait for each other by an ordering key. */
  readonly ordered: boolean;
  /** Sends one call for each, in order. Resolves when the broker has accepted them; rejects when it is not known of all. */
  send(calls: readonly NamedCall[]): Promise<RefusedCalls>;
}

/** The parts of an app that a connector uses: sending under given ids, parking, looking at a queue, the shared registry. */
export class ConnectorHost {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly #runtime: AppRuntime;

  constructor(app: Lovage) {
    this.#runtime = runtimeOf(app);
    this.logger = this.#runtime.logger;
    this.clock = this.#runtime.clock;
  }

  /** Throws {@link ConfigurationError} for a signature that is more than one call of one task. */
  target(signature: AnySignature): ConnectorTarget {
    const none: CallOptions = {};
    const plain = asCall(signature, [], none);
    if (plain === undefined) throw new ConfigurationError('a connector sends to one task: give it `task.s()`');
    const definition: TaskDefinition = plain.definition ?? this.#runtime.canvas.definitionOf(plain.task);
    const { options, args: tail } = plain;
    const { producer } = this.#runtime;
    if (definition.options.unique) {
      throw new ConfigurationError(`task "${plain.task}" is unique, and a connector names its calls by their records`);
    }
    return {
      task: plain.task,
      queue: options.queue ?? producer.queueOf(definition),
      ordered: definition.options.orderingKey !== undefined,
      send: (calls) =>
        producer.sendEach(
          definition,
          tail.length === 0 ? calls : calls.map((call) => ({ ...call, args: [...call.args, ...tail] })),
          options,
        ),
    };
  }

  /** Parks records that cannot become calls among the dead letters of a queue. Throws {@link NotSupportedError}. */
  async park(queue: string, letters: readonly ParkedLetter[]): Promise<void> {
    const monitor = await this.#monitor();
    if (!monitor.park) throw new NotSupportedError('dead letters of a connector: this broker cannot park records');
    await monitor.park(queue, letters);
  }

  /** How many messages of a queue wait, or wait for their turn. */
  async depth(queue: string): Promise<number> {
    const monitor = await this.#monitor();
    const [counts]: readonly (QueueCounts | undefined)[] = await monitor.counts([queue]);
    return (counts?.waiting ?? 0) + (counts?.blocked ?? 0);
  }

  /** Throws {@link NotSupportedError} where the broker has none. */
  async registry(): Promise<SharedRegistry> {
    const { stores } = this.#runtime;
    const { sharedRegistry } = stores.current ?? (await stores.open());
    if (sharedRegistry) return sharedRegistry;
    throw new NotSupportedError('connectors: this broker has no shared registry for their states');
  }

  /** Runs when the app closes, before its connections go. Returns what takes that back. */
  onClose(close: () => Promise<unknown>): () => void {
    this.#runtime.closers.add(close);
    return () => this.#runtime.closers.delete(close);
  }

  async #monitor(): Promise<Monitor> {
    const { stores } = this.#runtime;
    const { monitor } = stores.current ?? (await stores.open());
    if (monitor) return monitor;
    throw new NotSupportedError('this broker does not support queue inspection');
  }
}
