import { expect, it } from 'vitest';
import type { OutcomeRecord } from '../message/outcome.ts';
import { ProgressQueue } from './progress-queue.ts';

function record(attempts: number, step: number, progress: number): OutcomeRecord {
  return { id: 'a', task: 't', state: 'STARTED', attempts, step, progress, at: 0 };
}

it('never goes backwards, whatever the order in which records reach it', async () => {
  const queue = new ProgressQueue();
  queue.onRecord(record(1, 1, 10));
  queue.onRecord(record(1, 5, 50)); // a look into the store
  queue.onRecord(record(1, 2, 20)); // notifications that stood in the socket meanwhile
  queue.onRecord(record(1, 5, 50));
  queue.onRecord(record(1, 6, 60));
  queue.onRecord(record(2, 1, 5)); // a retry begins anew
  queue.onRecord(record(1, 7, 70));
  queue.onRecord({ id: 'a', task: 't', state: 'SUCCESS', attempts: 2, progress: 100, at: 0 });
  queue.onRecord(record(2, 2, 15));
  const seen: unknown[] = [];
  for await (const value of queue.drain()) seen.push(value);
  expect(seen).toEqual([10, 50, 60, 5, 100]);
});
