/**
 * What a workflow is given for what it asked for. It knows whether it was awaited: a step that nobody awaits is a mistake, and
 * is told when the run ends. A failure that nobody awaits must not end the process.
 */
export class RunPromise<T> extends Promise<T> {
  #awaited = false;

  /** What is made from it by `then` is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Whether the code waits, or waited, for it. */
  get awaited(): boolean {
    return this.#awaited;
  }

  // biome-ignore lint/suspicious/noThenProperty: this is a promise; `await` of a subclass calls its `then`
  override then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#awaited = true;
    return super.then(onFulfilled, onRejected);
  }

  /** Takes the failure of what nobody awaits. */
  hush(): void {
    super.then(undefined, () => undefined);
  }
}

/** A promise with its ends. */
export interface OpenPromise<T> {
  readonly promise: RunPromise<T>;
  resolve(value: T | PromiseLike<T>): void;
  reject(error: unknown): void;
}

/** Makes one. */
export function openPromise<T>(): OpenPromise<T> {
  let ends: Pick<OpenPromise<T>, 'resolve' | 'reject'> | undefined;
  const promise = new RunPromise<T>((resolve, reject) => {
    ends = { resolve, reject };
  });
  promise.hush();
  return { promise, ...(ends as Pick<OpenPromise<T>, 'resolve' | 'reject'>) }; // the executor ran at once
}
