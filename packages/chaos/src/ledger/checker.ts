import { type Call, type Fault, type History, type Run, readHistory } from './history.ts';
import type { Entry } from './ledger.ts';

/** What merged ledgers prove. Lists hold keys of calls. */
export interface Verdict {
  readonly submitted: number;
  readonly acked: number;
  /** Runs in all. */
  readonly runs: number;
  /** Accepted, and neither run to an end nor failed by name. */
  readonly lost: readonly string[];
  /** Run without having been submitted. */
  readonly phantoms: readonly string[];
  /** Refused for certain, and run all the same. */
  readonly refusedButRun: readonly string[];
  /** Of unknown fate, and run more than once. */
  readonly unknownRunTwice: readonly string[];
  /** One entry for each run beyond the first that no recorded retry explains. */
  readonly duplicates: readonly string[];
  /** Those of the duplicates that follow a run which had ended well: work that was done was done again. */
  readonly repeated: readonly string[];
  /** Those of the duplicates that the broker delivered as if they were the first. */
  readonly unrecorded: readonly string[];
  /** Those of the duplicates before which no process was killed that had run the call. */
  readonly withoutDeath: readonly string[];
  /** Failed by name without having been run once. */
  readonly failedUnrun: readonly string[];
  /** Run to an end, and failed by name all the same. */
  readonly failedThoughDone: readonly string[];
  /** Accepted, and no final state was seen by whoever waited. */
  readonly stuck: readonly string[];
  /** The stored value came from a run that was superseded before it ended, or changed after it was seen. */
  readonly stale: readonly string[];
  /** Started before their time. */
  readonly early: readonly string[];
  /** Milliseconds from the time a call was due to its first start, of those that no dead worker had taken before. */
  readonly lateness: readonly number[];
  /** The same, of those that a worker had taken and died with before it started them. */
  readonly redeliveredLateness: readonly number[];
  /** Milliseconds from the kill of a process to the next start of each call it was running. */
  readonly recoveries: readonly number[];
  /** Calls whose process was killed while it ran them, and that never started again. */
  readonly orphans: readonly string[];
}

const finals: ReadonlySet<string> = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);

/** Judges merged ledgers. Pure: the same entries give the same verdict. */
export function check(entries: readonly Entry[]): Verdict {
  const history = readHistory(entries);
  const calls = [...history.calls.values()];
  const keys = (test: (call: Call) => boolean): readonly string[] => calls.filter(test).map(({ key }) => key);
  const recovered = recoveries(history);
  return {
    submitted: calls.filter(({ submitted }) => submitted).length,
    acked: calls.filter(isAcked).length,
    runs: calls.reduce((sum, { runs }) => sum + runs.length, 0),
    lost: keys((call) => isAcked(call) && !isDone(call)),
    phantoms: keys(({ submitted, runs }) => !submitted && runs.length > 0),
    refusedButRun: keys(({ answer, runs }) => answer === 'NACK' && runs.length > 0),
    unknownRunTwice: keys((call) => call.answer !== 'ACK' && unexplained(call).length > 0),
    duplicates: calls.flatMap((call) => unexplained(call).map(({ key }) => key)),
    repeated: calls.flatMap((call) => repeated(call).map(({ key }) => key)),
    unrecorded: calls.flatMap((call) =>
      unexplained(call).flatMap(({ key, delivery }) => (delivery === 1 ? [key] : [])),
    ),
    withoutDeath: calls.flatMap((call) => withoutDeath(call, history.faults).map(({ key }) => key)),
    failedUnrun: keys(({ runs, results }) => runs.length === 0 && results.some(({ state }) => state === 'FAILURE')),
    failedThoughDone: keys(failedThoughDone),
    stuck: keys((call) => isAcked(call) && !call.results.some(({ state }) => finals.has(state))),
    stale: keys(isStale),
    early: keys(({ due, runs }) => due !== undefined && runs.some(({ startedWall }) => startedWall < due)),
    lateness: calls.flatMap((call) => lateness(call, (delivery) => delivery === 1)),
    redeliveredLateness: calls.flatMap((call) => lateness(call, (delivery) => delivery > 1)),
    ...recovered,
  };
}

const isAcked = ({ answer }: Call): boolean => answer === 'ACK';

/** Run to an end, or known to have failed: somebody was told. */
function isDone({ runs, results }: Call): boolean {
  return runs.some(({ ended }) => ended?.how === 'ok') || results.some(({ state }) => finals.has(state));
}

/** The runs beyond the first, without those that a retry of an earlier one explains. */
function unexplained({ runs }: Call): readonly Run[] {
  let retries = 0;
  const extra: Run[] = [];
  for (const [index, run] of runs.entries()) {
    if (index > 0) {
      if (retries > 0) retries -= 1;
      else extra.push(run);
    }
    if (run.ended?.how === 'retry') retries += 1;
  }
  return extra;
}

function repeated({ runs }: Call): readonly Run[] {
  return runs.filter(({ startedAt }) => runs.some(({ ended }) => ended?.how === 'ok' && ended.at < startedAt));
}

/** A process that dies takes what it runs with it, and what it has run and could not settle any more. */
function withoutDeath(call: Call, faults: readonly Fault[]): readonly Run[] {
  const kills = faults.filter(({ what }) => what === 'kill');
  return unexplained(call).filter((run) => {
    const before = call.runs.filter(({ startedAt }) => startedAt < run.startedAt);
    return !kills.some(
      ({ at, target }) => at < run.startedAt && before.some((of) => of.process === target && of.startedAt < at),
    );
  });
}

function failedThoughDone({ runs, results }: Call): boolean {
  return runs.some(({ ended }) => ended?.how === 'ok') && results.some(({ state }) => state === 'FAILURE');
}

function isStale({ runs, results }: Call): boolean {
  const accepted = results.flatMap(({ run }) => (run === undefined ? [] : [run]));
  if (new Set(accepted).size > 1) return true;
  const run = runs.find(({ name }) => name === accepted[0]);
  if (run === undefined) return false;
  const end = run.ended?.at ?? Number.POSITIVE_INFINITY;
  return runs.some((other) => other.startedAt > run.startedAt && other.startedAt < end);
}

function lateness({ due, runs: [first] }: Call, of: (delivery: number) => boolean): readonly number[] {
  return due === undefined || first === undefined || !of(first.delivery) ? [] : [first.startedWall - due];
}

/** Looks for the runs that a kill cut off. */
function recoveries({ calls, faults }: History): Pick<Verdict, 'recoveries' | 'orphans'> {
  const found: number[] = [];
  const orphans: string[] = [];
  const runs = [...calls.values()].flatMap((call) => call.runs.map((run) => ({ run, call })));
  for (const { at, target } of faults.filter(({ what }) => what === 'kill')) {
    for (const { run, call } of runs) {
      if (run.process !== target || run.startedAt > at || run.ended !== undefined) continue;
      const next = call.runs.find(({ startedAt }) => startedAt > run.startedAt);
      if (next) found.push(next.startedAt - at);
      else orphans.push(call.key);
    }
  }
  return { recoveries: found, orphans };
}
