import { expect, it } from 'vitest';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { RevocationRule, Revocations } from '../../driver/revocation-store.ts';
import type { Message } from '../../message/message.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { WorkerStats } from '../reporting/worker-stats.ts';
import { StampedRevocations } from './stamped-revocations.ts';

const message = { id: 'a', task: 't', stamps: { customer: 42 } } as unknown as Message; // as much as it reads
const rule = (at: number, more: Partial<RevocationRule> = {}): RevocationRule => ({
  stamp: 'customer',
  value: 42,
  terminate: false,
  at,
  expiresAt: 60_000,
  ...more,
});

function setUp(answers: (() => Promise<Revocations>)[]) {
  const clock = createTestClock(0);
  const broken: string[] = [];
  const written: string[] = [];
  let reads = 0;
  const context = { id: 'a', interrupt: () => broken.push('a') };
  const revocations = new StampedRevocations({
    store: {
      add: async () => {},
      remove: async () => 0,
      read: async () => (await (answers[reads++] ?? answers.at(-1))?.()) as Revocations,
    },
    results: {
      put: async (writes: { record: { id: string } }[]) => void written.push(...writes.map(({ record }) => record.id)),
    } as unknown as ResultBackend,
    stats: {
      attempts: [{ message, context }] as unknown as Attempt[],
      noteTerminated: () => {},
    } as unknown as WorkerStats,
    clock,
    resultExpires: 1000,
  });
  return { revocations, clock, broken, written };
}

it('follows new rules once, and again where that failed', async () => {
  const { revocations, written, broken } = setUp([
    async () => ({ version: '0', rules: [] }),
    () => Promise.reject(new Error('the store is away')),
    async () => ({ version: '1', rules: [rule(1)] }),
  ]);
  expect(await revocations.refresh()).toEqual([]);
  expect(revocations.covers(message)).toBe(false);
  await expect(revocations.refresh()).rejects.toThrow('away');
  expect(await revocations.refresh()).toEqual(['a']);
  expect(revocations.covers(message)).toBe(true);
  expect(await revocations.refresh()).toEqual([]);
  expect([written, broken]).toEqual([['a'], []]);
});

it('follows the same stamp again when it is revoked again, now with terminate', async () => {
  const { revocations, broken } = setUp([
    async () => ({ version: '1', rules: [rule(1)] }),
    async () => ({ version: '2', rules: [rule(2, { terminate: true })] }),
  ]);
  expect(await revocations.refresh()).toEqual(['a']);
  expect(await revocations.refresh()).toEqual(['a']);
  expect(broken).toEqual(['a']);
});

it('does not cover what carries nothing, or when its rule has expired', async () => {
  const { revocations, clock } = setUp([async () => ({ version: '1', rules: [rule(1)] })]);
  await revocations.refresh();
  expect(revocations.covers({ ...message, stamps: undefined } as unknown as Message)).toBe(false);
  await clock.advance(60_000);
  expect(revocations.covers(message)).toBe(false);
});
