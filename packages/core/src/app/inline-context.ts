import { ConfigurationError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { Replace, Retry } from '../message/control-signal.ts';
import type { JsonValue } from '../message/json.ts';
import { assertOwnState } from '../message/state.ts';
import { newTaskId } from '../message/task-id.ts';
import type { TaskDefinition } from '../task/task.ts';
import type { TaskContext } from '../task/task-context.ts';

/** `self` for a bound task that is called in process: one attempt, no store, no limits. `retry()` throws {@link Retry}. */
export function createInlineContext(definition: TaskDefinition, args: readonly unknown[]): TaskContext {
  const id = newTaskId();
  return {
    id,
    name: definition.name,
    args: args as readonly JsonValue[],
    queue: '',
    priority: 0,
    attempt: 1,
    retries: 0,
    maxRetries: definition.options.maxRetries,
    rootId: id,
    parentId: undefined,
    groupId: undefined,
    groupIndex: undefined,
    eta: undefined,
    expires: undefined,
    deadline: undefined,
    timeLimit: undefined,
    softTimeLimit: undefined,
    headers: {},
    stamps: {},
    deliveryCount: 1,
    fence: undefined,
    worker: '',
    signal: new AbortController().signal,
    log: silentLogger,
    remaining: () => undefined,
    progress: async () => {},
    updateState: async (state) => assertOwnState(state),
    retry(options = {}) {
      throw new Retry(options.exc === undefined ? {} : { exc: options.exc });
    },
    replace(canvas) {
      throw new Replace(canvas);
    },
    addToChord: async () => {
      throw new ConfigurationError('self.addToChord: a task that is called in process is no member of a chord');
    },
  };
}
