import { describe, expect, it } from 'vitest';
import type { OutcomeRecord, OutcomeWrite } from '../message/outcome.ts';
import { OutcomeWriter, outcomeTtl, toOutcome } from './outcome-writer.ts';
import { broadcastInbox } from './result-inbox.ts';

const week = 7 * 86_400_000;
const before: OutcomeRecord = { id: 'b', task: 'add', state: 'SUCCESS', attempts: 1, at: 1 };

function bench(standing: readonly OutcomeRecord[] = []) {
  const calls: OutcomeWrite[][] = [];
  const results = {
    put: async (writes: readonly OutcomeWrite[]) => {
      calls.push([...writes]);
      return writes.map(({ record }) => !standing.some(({ id }) => id === record.id));
    },
    get: async (ids: readonly string[]) => ids.map((id) => standing.find((record) => record.id === id)),
    watch: () => Promise.reject(new Error('not watched here')),
    join: () => Promise.reject(new Error('no groups here')),
    forget: async () => {},
    close: async () => {},
  };
  return { calls, writer: new OutcomeWriter({ results, now: () => 7, resultExpires: 60_000 }) };
}

describe('outcomes', () => {
  it('are kept as long as was asked; failures a week at least', () => {
    expect(outcomeTtl('SUCCESS', 60_000)).toBe(60_000);
    expect(outcomeTtl('FAILURE', 60_000)).toBe(week);
    expect(outcomeTtl('FAILURE', 2 * week)).toBe(2 * week);
    expect(outcomeTtl('FAILURE', 60_000, 5)).toBe(5);
  });

  it('are stored, and the records that stand come back, in order', async () => {
    const { writer } = bench([before]);
    const writes = ['a', 'b'].map((id) =>
      toOutcome({ id, task: 'add' }, { state: 'REVOKED', reason: 'revoked' }, { now: 7, ttl: 60_000 }),
    );
    expect(await writer.store(writes)).toEqual([
      { id: 'a', task: 'add', state: 'REVOKED', reason: 'revoked', attempts: 0, at: 7 },
      before,
    ]);
  });

  it('of tasks that are not run notify every process, 500 in a call', async () => {
    const { calls, writer } = bench();
    await writer.revoke(
      Array.from({ length: 501 }, (_, nth) => ({ id: `${nth}` })),
      'purged',
    );
    expect(calls.map(({ length }) => length)).toEqual([500, 1]);
    expect(calls[1]).toEqual([
      {
        record: { id: '500', task: '', state: 'REVOKED', reason: 'purged', attempts: 0, at: 7 },
        ttl: 60_000,
        replyTo: broadcastInbox,
      },
    ]);
  });
});
