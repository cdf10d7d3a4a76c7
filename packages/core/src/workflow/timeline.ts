import type { StoredRun } from '../driver/workflow-store.ts';
import type { Failure } from '../message/failure.ts';
import type { JsonValue } from '../message/json.ts';
import { decodeEntry, type EntryKind, type LogEntry, markSign, type OpenMark } from './log-entry.ts';

/** One step of a run, as it is shown. */
export interface RunStep {
  /** Its number, from 1, in the order in which outcomes were stored; of a step that has no outcome: undefined. */
  readonly n: number | undefined;
  readonly key: string;
  readonly kind: EntryKind;
  readonly state: 'DONE' | 'FAILED' | 'WAITING';
  /** When its outcome was stored, or when its wait is over. */
  readonly at: Date | undefined;
  /** Milliseconds. */
  readonly took: number | undefined;
  readonly value: JsonValue | undefined;
  readonly failure: Failure | undefined;
}

/** The steps of a run, those with an outcome first, in order. */
export function timelineOf({ header, log }: Pick<StoredRun, 'header' | 'log'>): readonly RunStep[] {
  const done: LogEntry[] = [];
  const waiting: RunStep[] = [];
  for (const [key, text] of log) {
    if (key.startsWith(markSign)) waiting.push(waitingStep(key.slice(1), JSON.parse(text) as OpenMark));
    else done.push(...listOf(decodeEntry(key, text, header.createdAt)));
  }
  return [...done.sort((a, b) => a.n - b.n).map(doneStep), ...waiting.filter(({ key }) => !log.has(key))];
}

function listOf(entry: LogEntry | undefined): readonly LogEntry[] {
  return entry ? [entry] : [];
}

function doneStep({ n, key, kind, at, took, value, failure }: LogEntry): RunStep {
  return { n, key, kind, state: failure ? 'FAILED' : 'DONE', at: new Date(at), took, value, failure };
}

function waitingStep(key: string, { kind, until }: OpenMark): RunStep {
  const at = until === undefined ? undefined : new Date(until);
  return { n: undefined, key, kind, state: 'WAITING', at, took: undefined, value: undefined, failure: undefined };
}
