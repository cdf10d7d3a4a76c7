import { expect, it } from 'vitest';
import { createTestClock } from '../../../testing/test-clock.ts';
import { defaultRetention } from '../../retention.ts';
import { MemoryRecords } from './memory-records.ts';

const idOf = (n: number): string => `019ab000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const record = (n: number) => ({ id: idOf(n), task: 't', state: 'SUCCESS', attempts: 1, at: 0 });

function fill(records: MemoryRecords, from: number, to: number, ttl = 86_400_000): void {
  for (let id = from; id < to; id += 1) records.put([{ record: record(id), ttl }]);
}

it('keeps the young ones beyond the bound, but not so many that the process runs out of memory', async () => {
  const clock = createTestClock();
  const records = new MemoryRecords(clock, { ...defaultRetention, results: 1_000 });
  fill(records, 0, 4_000);
  expect(records.get(idOf(0))).toBeDefined();
  fill(records, 4_000, 8_000);
  expect([records.get(idOf(2999)), records.get(idOf(3000))?.id]).toEqual([undefined, idOf(3000)]);
  await clock.advance(30_000);
  records.sweep();
  expect([records.get(idOf(6999)), records.get(idOf(7000))?.id]).toEqual([undefined, idOf(7000)]);
});

it('lets go of what expired before it counts', async () => {
  const clock = createTestClock();
  const records = new MemoryRecords(clock, { ...defaultRetention, results: 100, grace: 0 });
  fill(records, 0, 90, 1_000);
  await clock.advance(1_001);
  records.sweep();
  fill(records, 100, 190);
  expect(records.get(idOf(100))).toBeDefined();
});
