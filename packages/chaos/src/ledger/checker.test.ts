import { describe, expect, it } from 'vitest';
import { check } from './checker.ts';
import type { Entry, Kind } from './ledger.ts';

/** A history by hand: `kind key run detail`, one line a millisecond. */
function history(text: string): readonly Entry[] {
  return text
    .trim()
    .split('\n')
    .map((line, at) => {
      const [kind, key, run, detail] = line.trim().split(/\s+/);
      const rest = { ...(run && run !== '-' ? { run } : {}), ...(detail ? { detail } : {}) };
      return { kind: kind as Kind, key: key as string, at, wall: at, ...rest };
    });
}

const good = `
  SUBMIT a
  ACK a
  START a 1.0-1
  END a 1.0-1 ok
  RESULT a 1.0-1 SUCCESS`;
/** The lists that must be empty for nothing to be wrong. */
const faultless = {
  lost: [],
  phantoms: [],
  refusedButRun: [],
  unknownRunTwice: [],
  duplicates: [],
  repeated: [],
  withoutDeath: [],
  failedUnrun: [],
  failedThoughDone: [],
  unrecorded: [],
  stuck: [],
  stale: [],
  early: [],
  orphans: [],
};

describe('a history without a fault', () => {
  it('is found without one', () => {
    expect(check(history(good))).toMatchObject({ submitted: 1, acked: 1, runs: 1, ...faultless });
  });

  it('may hold a retry', () => {
    const text =
      'SUBMIT a\nACK a\nSTART a 1.0-1\nEND a 1.0-1 retry\nSTART a 2.0-1\nEND a 2.0-1 ok\nRESULT a 2.0-1 SUCCESS';
    expect(check(history(text))).toMatchObject({ runs: 2, ...faultless });
  });

  it('may hold a call that failed by name', () => {
    const text = 'SUBMIT a\nACK a\nSTART a 1.0-1\nEND a 1.0-1 error\nRESULT a - FAILURE';
    expect(check(history(text))).toMatchObject(faultless);
  });

  it('may hold an unknown call that was never run, or once', () => {
    const text = 'SUBMIT a\nUNKNOWN a\nSUBMIT b\nUNKNOWN b\nSTART b 1.0-1\nEND b 1.0-1 ok';
    expect(check(history(text))).toMatchObject(faultless);
  });

  it('may hold a run that starts when it is due', () => {
    const text = 'SUBMIT a - 3\nACK a\nRESULT a - SUCCESS\nSTART a 1.0-1\nEND a 1.0-1 ok';
    expect(check(history(text))).toMatchObject({ ...faultless, lateness: [0] });
  });
});

describe('a fault is found', () => {
  it.each([
    ['an accepted call that nobody ran', 'lost', 'SUBMIT a\nACK a'],
    ['an accepted call whose only run never ended', 'lost', 'SUBMIT a\nACK a\nSTART a 1.0-1'],
    ['an accepted call whose only run was broken off', 'lost', 'SUBMIT a\nACK a\nSTART a 1.0-1\nEND a 1.0-1 aborted'],
    ['a ledger with a removed END line', 'lost', 'SUBMIT a\nACK a\nSTART a 1.0-1\nRESULT a - PENDING'],
    ['a run that nobody asked for', 'phantoms', 'START a 1.0-1\nEND a 1.0-1 ok'],
    ['a refused call that was run', 'refusedButRun', 'SUBMIT a\nNACK a\nSTART a 1.0-1\nEND a 1.0-1 ok'],
    ['an unknown call run twice', 'unknownRunTwice', 'SUBMIT a\nUNKNOWN a\nSTART a 1.0-1\nSTART a 2.0-1'],
    ['two runs', 'duplicates', 'SUBMIT a\nACK a\nSTART a 1.0-1\nSTART a 2.0-1\nEND a 2.0-1 ok'],
    [
      'more runs than retries',
      'duplicates',
      'SUBMIT a\nACK a\nSTART a 1.0-1\nEND a 1.0-1 retry\nSTART a 1.0-2\nSTART a 2.0-1\nEND a 2.0-1 ok',
    ],
    ['a run of what had been done', 'repeated', `${good}\nSTART a 2.0-1\nEND a 2.0-1 ok`],
    [
      'a second run that no kill explains',
      'withoutDeath',
      'SUBMIT a\nACK a\nSTART a 1.0-1\nFAULT kill 2\nSTART a 3.0-1\nEND a 3.0-1 ok',
    ],
    ['a call that was given up before it was run', 'failedUnrun', 'SUBMIT a\nACK a\nRESULT a - FAILURE'],
    [
      'work that was done and called a failure',
      'failedThoughDone',
      'SUBMIT a\nACK a\nSTART a 1.0-1\nEND a 1.0-1 ok\nRESULT a - FAILURE',
    ],
    ['a second first delivery', 'unrecorded', 'SUBMIT a\nACK a\nSTART a 1.0-1 1\nSTART a 2.0-1 1\nEND a 2.0-1 ok'],
    ['a waiter that saw no end', 'stuck', 'SUBMIT a\nACK a\nSTART a 1.0-1\nEND a 1.0-1 ok\nRESULT a - PENDING'],
    [
      'a value of a run that was superseded',
      'stale',
      'SUBMIT a\nACK a\nSTART a 1.0-1\nSTART a 2.0-1\nEND a 2.0-1 ok\nEND a 1.0-1 ok\nRESULT a 1.0-1 SUCCESS',
    ],
    [
      'a value that changed',
      'stale',
      'SUBMIT a\nACK a\nSTART a 1.0-1\nSTART a 2.0-1\nEND a 2.0-1 ok\nEND a 1.0-1 ok\nRESULT a 2.0-1 SUCCESS\nRESULT a 1.0-1 SUCCESS',
    ],
    ['a start before its time', 'early', 'SUBMIT a - 9\nACK a\nSTART a 1.0-1'],
    ['an orphan that never came back', 'orphans', 'SUBMIT a\nACK a\nSTART a 1.0-1\nFAULT kill 1'],
  ] as const)('%s', (_what, kind, text) => {
    expect(check(history(text))[kind]).toEqual(['a']);
  });

  it('but not a redelivery that says so', () => {
    const text = 'SUBMIT a\nACK a\nSTART a 1.0-1 1\nSTART a 2.0-1 2\nEND a 2.0-1 ok';
    expect(check(history(text))).toMatchObject({ duplicates: ['a'], unrecorded: [] });
  });

  it('each extra run counts', () => {
    const text = 'SUBMIT a\nACK a\nSTART a 1.0-1\nSTART a 2.0-1\nSTART a 3.0-1\nEND a 3.0-1 ok';
    expect(check(history(text)).duplicates).toEqual(['a', 'a']);
  });

  it('an END without its START is no history', () => {
    expect(() => check(history('SUBMIT a\nEND a 1.0-1 ok'))).toThrow('without its START');
  });
});

describe('recovery', () => {
  it('is the time from the kill to the next start, of what the killed process was running', () => {
    const text = `
      SUBMIT a
      ACK a
      SUBMIT b
      ACK b
      START a 1.0-1
      START b 2.0-1
      FAULT kill 1
      END b 2.0-1 ok
      START a 2.0-2
      END a 2.0-2 ok`;
    expect(check(history(text))).toMatchObject({
      recoveries: [2],
      orphans: [],
      duplicates: ['a'],
      repeated: [],
      withoutDeath: [],
    });
  });

  it('tells lateness of first deliveries from that of others', () => {
    const text = 'SUBMIT a - 0\nACK a\nSTART a 1.0-1 1\nSUBMIT b - 1\nSTART b 1.0-2 2';
    expect(check(history(text))).toMatchObject({ lateness: [2], redeliveredLateness: [3] });
  });

  it('does not count what the process had ended, or started after another kill', () => {
    expect(check(history(`${good}\nFAULT kill 1`))).toMatchObject({ recoveries: [], orphans: [] });
  });
});

it('the value of the newest run is not stale, even when an older one ended meanwhile', () => {
  const text = 'SUBMIT a\nACK a\nSTART a 1.0-1\nSTART a 2.0-1\nEND a 1.0-1 ok\nEND a 2.0-1 ok\nRESULT a 2.0-1 SUCCESS';
  expect(check(history(text)).stale).toEqual([]);
});
