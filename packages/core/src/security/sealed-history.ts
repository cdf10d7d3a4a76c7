import type { HistoryStore } from '../history/history-store.ts';
import type { FailureEntry, RunRow } from '../history/run-row.ts';
import { failureOf } from './message-seal.ts';
import type { Sealer } from './sealer.ts';
import { TextSeal } from './text-seal.ts';

/** What happened, sealed and opened; what cannot be opened says so in its place. */
class RowSeal {
  readonly #seal: TextSeal;

  constructor(sealer: Sealer) {
    this.#seal = new TextSeal(sealer, 'history', 'any');
  }

  text(text: string, ...place: readonly string[]): string {
    try {
      return this.#seal.open(text, ...place);
    } catch (error) {
      return `(${failureOf(error).message})`;
    }
  }

  row<R extends RunRow>(of: R): R {
    const { error } = of;
    return error ? { ...of, error: { ...error, message: this.text(error.message, error.fingerprint) } } : of;
  }

  sealRow<R extends RunRow>(of: R): R {
    const { error } = of;
    return error ? { ...of, error: { ...error, message: this.#seal.seal(error.message, error.fingerprint) } } : of;
  }

  failure(of: FailureEntry): FailureEntry {
    const { id } = of.row;
    const stack = of.stack === undefined ? {} : { stack: this.text(of.stack, id, 'stack') };
    return { ...of, ...stack, row: this.row(of.row), message: this.#message(of.message, id) };
  }

  sealFailure(of: FailureEntry): FailureEntry {
    const { id } = of.row;
    const stack = of.stack === undefined ? {} : { stack: this.#seal.seal(of.stack, id, 'stack') };
    return { ...of, ...stack, row: this.sealRow(of.row), message: this.#seal.seal(of.message, id) };
  }

  /** One that cannot be opened is told to who would send it again. */
  #message(text: string, id: string): string {
    try {
      return this.#seal.open(text, id);
    } catch (error) {
      return JSON.stringify({ untrusted: failureOf(error).message });
    }
  }
}

/** A history whose messages, stacks and texts of errors are sealed. */
export function sealHistory(inner: HistoryStore, sealer: Sealer): HistoryStore {
  const seal = new RowSeal(sealer);
  return {
    append: async ({ rows, failures, minutes }) =>
      inner.append({
        rows: rows.map((row) => seal.sealRow(row)),
        failures: failures.map((one) => seal.sealFailure(one)),
        minutes,
      }),
    rows: async (kind, query) => {
      const page = await inner.rows(kind, query);
      return { ...page, rows: page.rows.map((row) => seal.row(row)) };
    },
    attempts: async (id) => (await inner.attempts(id)).map((row) => seal.row(row)),
    minutes: (from, to) => inner.minutes(from, to),
    failures: async (query) => (await inner.failures(query)).map((one) => seal.failure(one)),
    failure: async (ids) => (await inner.failure(ids)).map((one) => one && seal.failure(one)),
    failureGroups: async () =>
      (await inner.failureGroups()).map((group) => ({
        ...group,
        message: seal.text(group.message, group.fingerprint),
      })),
    removeFailures: (ids) => inner.removeFailures(ids),
    audit: (entry) => inner.audit(entry),
    audits: (limit) => inner.audits(limit),
    sweep: () => inner.sweep(),
  };
}
