import { ConfigurationError } from '../errors.ts';
import type { Handler } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';
import type { Task } from './task-handle.ts';

/**
 * A method decorator for both call shapes: TypeScript's standard `(method, context)` and the legacy
 * `(prototype, key, descriptor)` of `experimentalDecorators`. It reads no metadata and changes no method.
 */
export interface TaskDecorator {
  // biome-ignore lint/suspicious/noExplicitAny: a decorator takes methods of every shape
  <Method extends (...args: any[]) => unknown>(method: Method, context: ClassMethodDecoratorContext): void;
  (prototype: object, key: string | symbol, descriptor: PropertyDescriptor): void;
}

/** The tasks of an instance's decorated methods. With `bind`, a method's first parameter is the context and is left out. */
export type TasksOf<T> = {
  // biome-ignore lint/suspicious/noExplicitAny: methods of every shape
  readonly [K in keyof T as T[K] extends (...args: any[]) => unknown ? K : never]: T[K] extends (
    ...args: infer Args
  ) => infer Result
    ? Task<WithoutContext<Args>, Awaited<Result>, WithoutContext<Args>, Result>
    : never;
};

type WithoutContext<Args extends readonly unknown[]> = Args extends readonly [infer First, ...infer Rest]
  ? [First] extends [TaskContext]
    ? TaskContext extends First
      ? Rest
      : Args
    : Args
  : Args;

/** Which methods were decorated, and under which task names; kept beside the classes, not on them. */
export class DecoratedMethods {
  readonly #names = new WeakMap<object, string>();

  /** The decorator that records a method under a task's name, once `define` has accepted it. */
  decorator(name: string, define: () => void): TaskDecorator {
    return (first: unknown, second: unknown, descriptor?: PropertyDescriptor): void => {
      const method = descriptor === undefined ? first : (descriptor.value as unknown);
      if (typeof method !== 'function' || (descriptor === undefined && !isMethodContext(second))) {
        throw new ConfigurationError(`task "${name}": @app.task decorates public methods only`);
      }
      define();
      this.#names.set(method, name);
    };
  }

  /** The decorated methods of an instance, own and inherited: property key, task name, method. */
  find(instance: object): readonly { readonly key: PropertyKey; readonly name: string; readonly method: Handler }[] {
    const found = new Map<PropertyKey, { key: PropertyKey; name: string; method: Handler }>();
    for (
      let level: object | null = instance;
      level && level !== Object.prototype;
      level = Object.getPrototypeOf(level)
    ) {
      for (const key of Reflect.ownKeys(level)) {
        const method: unknown = Object.getOwnPropertyDescriptor(level, key)?.value;
        const name = typeof method === 'function' ? this.#names.get(method) : undefined;
        if (name !== undefined && !found.has(key)) found.set(key, { key, name, method: method as Handler });
      }
    }
    return [...found.values()];
  }
}

function isMethodContext(context: unknown): boolean {
  const { kind, private: hidden } = context as { kind?: unknown; private?: unknown };
  return kind === 'method' && hidden !== true;
}
