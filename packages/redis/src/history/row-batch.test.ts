import { newTaskId, type RunRow } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { packRows, unpackRows } from './row-batch.ts';

const row = (given: Partial<RunRow> = {}): RunRow => ({
  id: newTaskId(),
  task: 'billing.charge',
  queue: 'billing',
  state: 'SUCCESS',
  at: 1_790_000_000_000,
  wait: 12,
  run: 3.4,
  attempt: 1,
  worker: 'shop-7@host',
  ...given,
});

it('gives rows back as they were', () => {
  const error = { name: 'CardError', message: 'no "card"\n', fingerprint: '0123456789ab', frame: 'f (/a.ts:1:2)' };
  const rows = [
    row(),
    row({ task: 'mail.send', at: 1_790_000_000_500 }),
    row({ state: 'FAILURE', attempt: 4, error, tags: ['customer=42'] }),
    row({ state: 'REVOKED', reason: 'expired' }),
    row({ state: 'RETRY', at: 1_789_999_999_999, error }),
  ];
  expect(unpackRows(packRows(rows))).toEqual(rows);
});

it('takes less than 70 bytes for a success among others', () => {
  const rows = Array.from({ length: 128 }, (_, index) => row({ at: 1_790_000_000_000 + index, wait: 1_000 + index }));
  expect(packRows(rows).length / rows.length).toBeLessThan(70);
});

it.each(['', '{', 'null', '{"r":1}'])('reads no rows in %j', (text) => expect(unpackRows(text)).toEqual([]));
