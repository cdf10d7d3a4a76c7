import { ConfigurationError } from '../errors.ts';

/**
 * The states of a task, as in Celery, and the table of legal transitions. `PENDING` is an id nobody knows; `SENT` is
 * known to the broker. A task may also be in a state of its own, set by `self.updateState`, which stands where STARTED does.
 */
export const taskStates = ['PENDING', 'SENT', 'RECEIVED', 'STARTED', 'RETRY', 'SUCCESS', 'FAILURE', 'REVOKED'] as const;
export type BuiltInState = (typeof taskStates)[number];

/** A built-in state, or a name set by `self.updateState`. */
export type TaskState = BuiltInState | (string & {});

/** States that never change again. */
export type TerminalState = 'SUCCESS' | 'FAILURE' | 'REVOKED';
const terminal: ReadonlySet<string> = new Set<TerminalState>(['SUCCESS', 'FAILURE', 'REVOKED']);

/** The legal transitions, as data: the state diagram in the docs is made from this table, and tests walk every illegal one. */
export const transitions: Readonly<Record<BuiltInState, readonly BuiltInState[]>> = {
  PENDING: ['SENT'],
  // a malformed, unknown or rejected message fails before it is started; an expired one is revoked
  SENT: ['RECEIVED', 'FAILURE', 'REVOKED'],
  // a released delivery (shutdown, lost worker) waits again
  RECEIVED: ['STARTED', 'SENT', 'FAILURE', 'REVOKED'],
  STARTED: ['SUCCESS', 'FAILURE', 'RETRY', 'REVOKED', 'SENT'],
  RETRY: ['RECEIVED', 'FAILURE', 'REVOKED'],
  SUCCESS: [],
  FAILURE: [],
  REVOKED: [],
};

export function isTerminal(state: TaskState): state is TerminalState {
  return terminal.has(state);
}

/** Whether a task may go from one state to the other. A state of the user's own counts as STARTED. */
export function canMove(from: TaskState, to: TaskState): boolean {
  const known = (state: TaskState): BuiltInState =>
    (taskStates as readonly string[]).includes(state) ? (state as BuiltInState) : 'STARTED';
  if (known(from) === 'STARTED' && known(to) === 'STARTED') return true;
  return transitions[known(from)].includes(known(to));
}

const longestState = 500;

/**
 * Throws {@link ConfigurationError} for what `self.updateState` may not set: a terminal state is the outcome's alone, and would end
 * the task for its waiters while its handler runs.
 */
export function assertOwnState(state: unknown): void {
  if (typeof state !== 'string' || state === '' || state.length > longestState || /[\ud800-\udfff]/u.test(state)) {
    throw new ConfigurationError(
      `self.updateState: expected the name of a state, a string of 1 to ${longestState} characters, received ${typeof state}`,
    );
  }
  if (!isTerminal(state)) return;
  throw new ConfigurationError(
    `self.updateState: "${state}" is set by the outcome of the task alone: return or throw, or give the state another name`,
  );
}
