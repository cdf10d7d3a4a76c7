import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** What a ledger line can say. SUBMIT to UNKNOWN are the producer's, START to END a worker's, RESULT the observer's, FAULT the nemesis's. */
export const kinds = ['SUBMIT', 'ACK', 'NACK', 'UNKNOWN', 'START', 'ABORT', 'END', 'RESULT', 'FAULT'] as const;

export type Kind = (typeof kinds)[number];

/** One thing that happened. */
export interface Entry {
  readonly kind: Kind;
  /** The call it is about; of a FAULT: what was done, as in `kill`. */
  readonly key: string;
  /** START, ABORT, END: the run. RESULT: the run whose value was stored. FAULT: the process it was done to. */
  readonly run?: string;
  /** SUBMIT: when it is due. NACK, UNKNOWN: the error. START: the delivery. END: `ok`, `retry` or an error. RESULT: the state. */
  readonly detail?: string;
  /** Milliseconds of the machine's monotonic clock: comparable between its processes. */
  readonly at: number;
  /** Epoch milliseconds. */
  readonly wall: number;
}

/** What the writer of a line gives. */
export type Note = Pick<Entry, 'run' | 'detail'>;

/** The machine's monotonic clock, in milliseconds: the same for all processes (CLOCK_MONOTONIC). */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/**
 * An append-only file of one process, outside Redis. Each line is one write(2) to a file opened with O_APPEND, so that it
 * is whole and in the page cache before the caller goes on: a `kill -9` of the writer takes nothing of it away.
 */
export class Ledger {
  readonly #file: number;

  constructor(directory: string, role: string) {
    this.#file = openSync(join(directory, `${role}-${process.pid}-${threadId}.jsonl`), 'a');
  }

  note(kind: Kind, key: string, { run = '', detail = '' }: Note = {}): void {
    const at = Math.round(monotonic() * 1000) / 1000;
    writeSync(this.#file, `${JSON.stringify([kind, key, run, detail.slice(0, 120), at, Date.now()])}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Reads one line. Throws when it is not one: a ledger that cannot be trusted proves nothing. */
export function parseLine(line: string): Entry {
  const [kind, key, run, detail, at, wall] = JSON.parse(line) as [Kind, string, string, string, number, number];
  if (!kinds.includes(kind) || typeof key !== 'string' || typeof at !== 'number' || typeof wall !== 'number') {
    throw new Error(`not a ledger line: ${line}`);
  }
  return { kind, key, at, wall, ...(run ? { run } : {}), ...(detail ? { detail } : {}) };
}

/** All ledgers of a directory, merged by time. */
export function readLedgers(directory: string): readonly Entry[] {
  const entries: Entry[] = [];
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.jsonl'))) {
    const text = readFileSync(join(directory, file), 'utf8');
    for (const line of text.split('\n')) if (line) entries.push(parseLine(line));
  }
  return entries.sort((one, other) => one.at - other.at);
}
