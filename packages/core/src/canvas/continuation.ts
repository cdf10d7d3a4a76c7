import type { CallbackRef, CanvasRef, JoinRef } from '../message/canvas-ref.ts';
import type { Failure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';
import type { ListRef } from '../message/outcome.ts';

/** How a unit of a canvas ended. */
export type Ending = { readonly state: 'SUCCESS'; readonly value?: JsonValue; readonly list?: ListRef } | FailedEnding;

/** A unit that ended without a value. */
export type FailedEnding =
  | { readonly state: 'FAILURE'; readonly failure: Failure }
  | { readonly state: 'REVOKED'; readonly reason: string; readonly failure?: Failure };

/** What a canvas is made of once it runs: a task, or tasks that end together. */
export interface Unit {
  readonly id: string;
  /** The task's name. */
  readonly task: string;
  readonly canvas: CanvasRef;
  /** The id that its error callbacks are told. @default its own */
  readonly failing?: string | undefined;
  /** How many members it added to its chord. */
  readonly added?: number | undefined;
}

/** The first argument of what is started: a value that is small, or the id it is stored under. */
export type Input = { readonly value: JsonValue } | { readonly from: string };

/** One thing to do after a unit ended. Each may be done again without harm. */
export type Effect =
  | {
      readonly do: 'fire';
      readonly callbacks: readonly CallbackRef[];
      readonly input: Input;
      readonly parentId: string;
    }
  | { readonly do: 'start'; readonly id: string; readonly input: Input }
  | { readonly do: 'join'; readonly join: JoinRef; readonly by: string; readonly added: number }
  | { readonly do: 'conclude'; readonly id: string; readonly ending: Ending }
  | {
      readonly do: 'wake';
      readonly run: string;
      readonly key: string;
      readonly child: string;
      readonly ending: Ending;
    }
  | { readonly do: 'fail-dependents'; readonly id: string; readonly ending: FailedEnding }
  | { readonly do: 'fail-group'; readonly id: string; readonly ending: FailedEnding }
  | { readonly do: 'forget'; readonly ids: readonly string[] };

/** Values up to this size, in bytes of JSON at most, travel in the message; larger ones are loaded from the store. */
const largestInline = 16_384;

/** What happens after a unit of a canvas ended, in order. */
export function continuation(unit: Unit, ending: Ending): readonly Effect[] {
  return ending.state === 'SUCCESS' ? afterSuccess(unit, ending) : afterFailure(unit, ending);
}

function afterSuccess(unit: Unit, ending: Extract<Ending, { state: 'SUCCESS' }>): readonly Effect[] {
  const { id, canvas, added = 0 } = unit;
  const { links = [], errors = [], next, join, replaces, wakes } = canvas;
  const effects: Effect[] = [];
  const input = (): Input => inputOf(id, ending);
  if (links.length > 0) effects.push({ do: 'fire', callbacks: links, input: input(), parentId: id });
  if (next !== undefined) effects.push({ do: 'start', id: next, input: input() });
  if (join !== undefined) effects.push({ do: 'join', join, by: id, added });
  if (replaces !== undefined) effects.push({ do: 'conclude', id: replaces, ending });
  if (wakes !== undefined) effects.push({ do: 'wake', ...wakes, child: id, ending });
  return [...effects, ...forget([...links, ...errors])];
}

/** Callbacks are fired before the rest is told: once what follows has failed, nobody comes this way again. */
function afterFailure(unit: Unit, ending: FailedEnding): readonly Effect[] {
  const { id, canvas } = unit;
  const { links = [], errors = [], next } = canvas;
  const over = ending.state === 'REVOKED' ? [...links, ...errors] : errors; // what failed may be run again, and succeed then
  const effects: Effect[] = [];
  if (errors.length > 0) {
    effects.push({ do: 'fire', callbacks: errors, input: { value: unit.failing ?? id }, parentId: id });
  }
  if (next !== undefined) effects.push({ do: 'fail-dependents', id: next, ending: dependentEnding(unit, ending) });
  return [...effects, ...failureBeyond(unit, ending), ...forget(over)];
}

/** What the failure of the last unit of a sequence means for what the sequence is part of. */
export function failureBeyond(unit: Unit, ending: FailedEnding): readonly Effect[] {
  const { join, replaces, wakes } = unit.canvas;
  const effects: Effect[] = [];
  if (join !== undefined) effects.push({ do: 'fail-group', id: join.group, ending: dependentEnding(unit, ending) });
  if (replaces !== undefined) effects.push({ do: 'conclude', id: replaces, ending });
  if (wakes !== undefined) effects.push({ do: 'wake', ...wakes, child: unit.id, ending });
  return effects;
}

function forget(refs: readonly CallbackRef[]): readonly Effect[] {
  const ids = refs.filter((ref) => !ref.keep).map((ref) => ref.plan);
  return ids.length > 0 ? [{ do: 'forget', ids }] : [];
}

function inputOf(id: string, { value = null, list }: Extract<Ending, { state: 'SUCCESS' }>): Input {
  return list === undefined && isSmall(value) ? { value } : { from: id };
}

function isSmall(value: JsonValue): boolean {
  if (typeof value === 'string') return value.length * 6 <= largestInline;
  return typeof value !== 'object' || value === null || Buffer.byteLength(JSON.stringify(value)) <= largestInline;
}

/** The name of the failure of what could not run because something before it failed; its cause is the original one. */
export const dependencyFailed = 'DependencyFailedError';

/** How everything ends that depends on a unit that failed: with the original error as cause, however far away it is. */
export function dependentEnding({ id, task }: Pick<Unit, 'id' | 'task'>, ending: FailedEnding): FailedEnding {
  if (ending.state === 'REVOKED') {
    if (ending.failure) return ending;
    const message = `task ${id} was revoked (${ending.reason})`;
    return {
      state: 'REVOKED',
      reason: ending.reason,
      failure: { name: 'TaskRevokedError', message, data: { taskId: id, reason: ending.reason } },
    };
  }
  if (ending.failure.name === dependencyFailed) return ending;
  const { name, message } = ending.failure;
  return {
    state: 'FAILURE',
    failure: {
      name: dependencyFailed,
      message: `${task} (${id}) failed: ${name}: ${message}`,
      data: { dependency: id },
      cause: ending.failure,
    },
  };
}

/** The error itself, without the word that it was another's. */
export function originalEnding(ending: FailedEnding): FailedEnding {
  if (ending.state !== 'FAILURE' || ending.failure.name !== dependencyFailed) return ending;
  return { state: 'FAILURE', failure: ending.failure.cause ?? ending.failure };
}
