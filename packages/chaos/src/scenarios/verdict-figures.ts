import { atMost, type Figure, info } from '../figure.ts';
import type { Verdict } from '../ledger/checker.ts';

/** What must hold under every fault: nothing accepted is lost, nobody waits for ever, no stored value is stale. */
export function basics(verdict: Verdict): readonly Figure[] {
  return [
    info('accepted', verdict.acked),
    info('runs', verdict.runs),
    atMost('lost', verdict.lost.length, 0),
    atMost('stuck', verdict.stuck.length, 0),
    atMost('failed without a run', verdict.failedUnrun.length, 0),
    atMost('failed though done', verdict.failedThoughDone.length, 0),
    atMost('phantoms', verdict.phantoms.length + verdict.refusedButRun.length, 0),
    atMost('unknown, run twice', verdict.unknownRunTwice.length, 0),
    atMost('stale results', verdict.stale.length, 0),
  ];
}

/** Runs beyond the first, and how many of them did again what had been done. */
export function duplicates(verdict: Verdict, most: number): readonly Figure[] {
  return [
    atMost('duplicates', verdict.duplicates.length, most),
    info('of them after a finished run', verdict.repeated.length),
  ];
}
