import type { AppRuntime } from '../app/app-runtime.ts';
import { TimeLimitExceeded } from '../errors.ts';
import type { Failure } from '../message/failure.ts';
import type { TaskInfo } from '../plugins/plugin.ts';
import { taskInfo } from '../plugins/run-through-plugins.ts';
import type { EndedTask, TaskCallbacks } from '../task/task-options.ts';
import type { Attempt } from './execution/attempt.ts';
import type { AttemptResult } from './execution/attempt-result.ts';

/** Calls the hooks of plugins and the callbacks of tasks when an attempt has ended; they cannot change its result. */
export class HookObserver {
  readonly #runtime: Pick<AppRuntime, 'plugins' | 'errors' | 'logger'>;
  /** Whether a plugin has a hook for the end of attempts. */
  readonly hooked: boolean;

  constructor(runtime: Pick<AppRuntime, 'plugins' | 'errors' | 'logger'>) {
    this.#runtime = runtime;
    this.hooked = runtime.plugins.observes('taskSuccess', 'taskFailure', 'taskRetry', 'taskRevoked', 'taskRejected');
  }

  /** Never throws. */
  onEnd(attempt: Attempt, result: AttemptResult): void {
    const { plugins } = this.#runtime;
    switch (result.state) {
      case 'SUCCESS':
        plugins.emit('taskSuccess', { ...this.#info(attempt), value: result.value });
        this.#call(attempt, 'onSuccess', { value: result.value });
        return;
      case 'FAILURE':
      case 'CRASH_BUDGET_EXCEEDED':
      case 'REJECTED':
        if (result.state === 'REJECTED') plugins.emit('taskRejected', { ...this.#info(attempt), requeued: false });
        return this.#failed(attempt, result.failure);
      case 'RETRY': {
        const retry = { error: this.#errorOf(attempt, result.failure), at: result.at };
        plugins.emit('taskRetry', { ...this.#info(attempt), ...retry });
        this.#call(attempt, 'onRetry', retry);
        return;
      }
      case 'REVOKED':
        return plugins.emit('taskRevoked', { ...this.#info(attempt), reason: result.reason });
      case 'REQUEUED':
        return plugins.emit('taskRejected', { ...this.#info(attempt), requeued: true });
      default:
    }
  }

  #failed(attempt: Attempt, failure: Failure): void {
    const error = this.#errorOf(attempt, failure);
    if (failure.name === TimeLimitExceeded.name) this.#call(attempt, 'onTimeout', { error });
    this.#runtime.plugins.emit('taskFailure', { ...this.#info(attempt), error });
    this.#call(attempt, 'onFailure', { error });
  }

  /** What was thrown here, with its cause and stack; of a handler in a child, an error made of its report. */
  #errorOf({ context, message }: Attempt, failure: Failure): unknown {
    const { lastError } = context;
    if (lastError?.failure === failure && lastError.error !== undefined) return lastError.error;
    const { id: taskId, task } = message;
    return this.#runtime.errors.toError(failure, { taskId, task, attempts: context.attempt });
  }

  #info({ context, definition }: Attempt): TaskInfo {
    return taskInfo(context, definition.options.plugin);
  }

  #call(attempt: Attempt, name: keyof TaskCallbacks, extra: object): void {
    const callback = attempt.definition.options.callbacks?.[name] as ((task: EndedTask) => unknown) | undefined;
    if (callback === undefined) return;
    const { stamps: _stamps, options: _options, ...info } = this.#info(attempt);
    const logged = (error: unknown): void =>
      this.#runtime.logger.error(`${name} of task "${info.task}" failed`, { taskId: info.id, error });
    try {
      Promise.resolve(callback({ ...info, args: attempt.message.args, ...extra })).catch(logged);
    } catch (error) {
      logged(error);
    }
  }
}
