import type { Entry } from './ledger.ts';

/** One run of a handler. */
export interface Run {
  readonly name: string;
  readonly key: string;
  /** The process it ran in. */
  readonly process: string;
  readonly startedAt: number;
  readonly startedWall: number;
  /** 1, or more when the broker says that a worker was lost before. */
  readonly delivery: number;
  aborted: number | undefined;
  ended: { readonly at: number; readonly how: string } | undefined;
}

/** What is known of one call. */
export interface Call {
  readonly key: string;
  submitted: boolean;
  /** Epoch milliseconds before which it must not run. */
  due: number | undefined;
  answer: 'ACK' | 'NACK' | 'UNKNOWN' | undefined;
  readonly runs: Run[];
  readonly results: { readonly state: string; readonly run: string | undefined }[];
}

/** Something the nemesis did. */
export interface Fault {
  readonly what: string;
  readonly target: string | undefined;
  readonly at: number;
}

/** Merged ledgers, by call. */
export interface History {
  readonly calls: ReadonlyMap<string, Call>;
  readonly faults: readonly Fault[];
}

/** A run's name tells its process: `<pid>.<thread>-<number>`. */
export function processOf(run: string): string {
  return run.split(/[.-]/, 1)[0] as string;
}

/** Sorts merged ledger entries by the call they are about. The order of the entries is their order in time. */
export function readHistory(entries: readonly Entry[]): History {
  const calls = new Map<string, Call>();
  const faults: Fault[] = [];
  for (const entry of entries) {
    if (entry.kind === 'FAULT') {
      faults.push({ what: entry.key, target: entry.run, at: entry.at });
      continue;
    }
    const call = calls.get(entry.key) ?? createCall(entry.key);
    calls.set(entry.key, call);
    record(call, entry);
  }
  return { calls, faults };
}

function createCall(key: string): Call {
  return { key, submitted: false, due: undefined, answer: undefined, runs: [], results: [] };
}

function record(call: Call, entry: Entry): void {
  switch (entry.kind) {
    case 'SUBMIT':
      call.submitted = true;
      if (entry.detail) call.due = Number(entry.detail);
      return;
    case 'ACK':
    case 'NACK':
    case 'UNKNOWN':
      call.answer = entry.kind;
      return;
    case 'RESULT':
      call.results.push({ state: entry.detail ?? '', run: entry.run });
      return;
    case 'START':
      call.runs.push(start(entry));
      return;
    case 'ABORT':
      runOf(call, entry).aborted ??= entry.at;
      return;
    case 'END':
      runOf(call, entry).ended ??= { at: entry.at, how: entry.detail ?? 'ok' };
      return;
    default:
      return; // a FAULT is about no call
  }
}

function start({ run = '', key, detail, at, wall }: Entry): Run {
  return {
    name: run,
    key,
    process: processOf(run),
    startedAt: at,
    startedWall: wall,
    delivery: Number(detail ?? 1),
    aborted: undefined,
    ended: undefined,
  };
}

function runOf(call: Call, entry: Entry): Run {
  const run = call.runs.find(({ name }) => name === entry.run);
  if (!run) throw new Error(`${entry.kind} of run ${entry.run}, call ${call.key}, without its START`);
  return run;
}
