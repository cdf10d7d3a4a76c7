import { ConfigurationError } from '../errors.ts';
import type { Handler } from '../task/task.ts';
import type { TaskOptions } from '../task/task-options.ts';
import type { Lovage } from './app.ts';
import type { TaskDecorator, TasksOf } from './task-decorator.ts';
import type { Task } from './task-handle.ts';

type Given = string | TaskOptions;
/** What defines one task with an app. */
type Definition = (app: Lovage) => void;

/**
 * Tasks that are defined before there is an app, for frameworks that make it late and for packages of tasks: Celery's `shared_task`.
 * {@link SharedTasks.register} defines them with an app; their handles work from then on.
 */
export class SharedTasks {
  readonly #definitions: Definition[] = [];
  readonly #handles = new Map<string, Task>();
  #app: Lovage | undefined;

  /** As `app.task`: with a handler the task, without one a decorator. Options are checked by `register`. */
  readonly task: Lovage['task'] = ((given: Given, handler?: Handler): unknown => {
    const name = typeof given === 'string' ? given : given.name;
    if (handler === undefined) return this.#decorator(given);
    this.#add((app) => {
      this.#handles.set(name, app.task(given as string, handler as () => unknown));
    });
    return this.#late(name);
  }) as Lovage['task']; // its overloads

  /**
   * Defines all of these tasks with an app, and those that are defined later too. With a second app (a test's own, say) the handles are
   * of the latest. Throws as `app.task` does.
   */
  register(app: Lovage): void {
    this.#app = app;
    for (const define of this.#definitions) define(app);
  }

  /** The tasks of an instance's decorated methods, as `app.tasksOf`. Throws {@link ConfigurationError} before `register`. */
  tasksOf<T extends object>(instance: T): TasksOf<T> {
    if (this.#app === undefined) throw unregistered('these tasks are');
    return this.#app.tasksOf(instance);
  }

  #add(define: Definition): void {
    this.#definitions.push(define);
    if (this.#app) define(this.#app);
  }

  #decorator(given: Given): TaskDecorator {
    return (first: unknown, second: unknown, descriptor?: PropertyDescriptor): void => {
      this.#add((app) => (app.task(given) as (...shape: unknown[]) => void)(first, second, descriptor));
    };
  }

  /** A handle that asks for the task when it is used. */
  #late(name: string): Task {
    const current = (): Task => {
      const task = this.#handles.get(name);
      if (task === undefined) throw unregistered(`task "${name}" is`);
      return task;
    };
    const direct = (...args: readonly unknown[]): unknown => current()(...args);
    const methods = ['delay', 'applyAsync', 'call', 'delayMany', 's', 'si', 'map', 'starmap', 'chunks'] as const;
    for (const method of methods) {
      Object.defineProperty(direct, method, {
        value: (...args: readonly unknown[]): unknown =>
          (current()[method] as (...args: readonly unknown[]) => unknown)(...args),
      });
    }
    Object.defineProperty(direct, 'name', { value: name });
    return direct as unknown as Task;
  }
}

function unregistered(what: string): ConfigurationError {
  return new ConfigurationError(`${what} not registered with an app yet: call tasks.register(app) first`);
}

/** The shared tasks of this process: `tasks.register(app)`. */
export const tasks: SharedTasks = new SharedTasks();

/** Defines a shared task, or decorates a method as one; see {@link SharedTasks.task}. */
export const task: SharedTasks['task'] = tasks.task;
