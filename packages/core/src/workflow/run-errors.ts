import {
  EventTimeoutError,
  GateRejectedError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  StepTimeoutError,
  TaskRevokedError,
  WorkerLostError,
} from '../errors.ts';
import { type ErrorClass, ErrorRegistry, type Failure, toFailure } from '../message/failure.ts';

/** Errors of ours that workflows catch as themselves. */
const own: readonly ErrorClass[] = [
  StepTimeoutError,
  EventTimeoutError,
  GateRejectedError,
  TaskRevokedError,
  PayloadNotSerializableError,
  PayloadTooLargeError,
  WorkerLostError,
];
const ownErrors = new ErrorRegistry();
for (const errorClass of own) ownErrors.register(errorClass);
const ownNames: ReadonlySet<string> = new Set(own.map(({ name }) => name));

/** Thrown by `w.continueAs`. */
export class ContinueAs extends Error {
  readonly input: unknown;
  constructor(input: unknown) {
    super('the run continues with another input');
    this.name = 'ContinueAs';
    this.input = input;
  }
}

/**
 * Stored failures as errors, always made anew: code that caught an error by its class the first time must catch it in a
 * replay too. Each error knows the entry it came from.
 */
export class RunErrors {
  readonly #registry: ErrorRegistry;
  readonly #context: { readonly taskId: string; readonly task: string; readonly attempts: number };
  readonly #origins = new WeakMap<object, { readonly failure: Failure; readonly key: string }>();

  constructor(
    registry: ErrorRegistry,
    context: { readonly taskId: string; readonly task: string; readonly attempts: number },
  ) {
    this.#registry = registry;
    this.#context = context;
  }

  toError(failure: Failure, key: string): Error {
    const registry = ownNames.has(failure.name) ? ownErrors : this.#registry;
    const error = registry.toError(failure, this.#context);
    this.#origins.set(error, { failure, key });
    return error;
  }

  /** The failure that an error stands for: the stored one where it came from the log. */
  failureOf(error: unknown): Failure {
    return this.#originOf(error)?.failure ?? toFailure(error);
  }

  /** The key of the entry that an error came from. */
  keyOf(error: unknown): string | undefined {
    return this.#originOf(error)?.key;
  }

  #originOf(error: unknown): { readonly failure: Failure; readonly key: string } | undefined {
    return typeof error === 'object' && error !== null ? this.#origins.get(error) : undefined;
  }
}

/** Why the signal of a run aborts that ended, or was parked. */
export class RunLeftError extends Error {
  constructor() {
    super('the run has ended, or left this worker');
    this.name = 'RunLeftError';
  }
}
