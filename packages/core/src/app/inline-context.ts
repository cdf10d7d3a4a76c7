import { ConfigurationError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { Replace, Retry } from '../message/control-signal.ts';
import type { JsonValue } from '../message/json.ts';
import { assertOwnState } from '../message/outcome.ts';
import { newTaskId } from '../message/task-id.ts';
import { createOnce } from '../stores/effects.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';

/**
 * `self` of a task that is called in process: one attempt, no store, no limits. `retry()` throws {@link Retry}. Inside of a running
 * task it has that one's id, lineage, signal and deadline: what it sends was sent by the task that a worker knows.
 */
export function createInlineContext(
  definition: TaskDefinition,
  args: readonly JsonValue[],
  outer: TaskContext | undefined,
): TaskContext {
  const id = outer?.id ?? newTaskId();
  let signal: AbortSignal | undefined;
  return {
    calledDirectly: true,
    id,
    name: definition.name,
    args,
    queue: outer?.queue ?? '',
    priority: 0,
    attempt: 1,
    retries: 0,
    maxRetries: definition.options.maxRetries,
    rootId: outer?.rootId ?? id,
    parentId: outer?.parentId,
    groupId: undefined,
    groupIndex: undefined,
    eta: undefined,
    expires: undefined,
    deadline: outer?.deadline,
    timeLimit: undefined,
    softTimeLimit: undefined,
    headers: outer?.headers ?? {},
    stamps: outer?.stamps ?? {},
    deliveryCount: 1,
    fence: undefined,
    worker: outer?.worker ?? '',
    get signal() {
      signal ??= outer?.signal ?? new AbortController().signal;
      return signal;
    },
    log: outer?.log ?? silentLogger,
    remaining: () => outer?.remaining(),
    progress: async () => {},
    updateState: async (state) => assertOwnState(state),
    retry(options = {}) {
      throw new Retry(options.exc === undefined ? {} : { exc: options.exc });
    },
    replace(canvas) {
      throw new Replace(canvas);
    },
    once: outer?.once ?? createOnce(id, undefined),
    addToChord: async () => {
      throw new ConfigurationError('self.addToChord: a task that is called in process is no member of a chord');
    },
  };
}
