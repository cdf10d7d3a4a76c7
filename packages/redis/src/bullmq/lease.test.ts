import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Lease, LeaseKeeper } from './lease.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('tells each listener once, and a late one at once', () => {
  const lease = new Lease('job', 'token');
  const heard: string[] = [];
  lease.onLost(() => heard.push('first'));
  lease.onLost(() => heard.push('second'));
  lease.lose();
  lease.lose();
  lease.onLost(() => heard.push('late'));
  expect(heard).toEqual(['first', 'second', 'late']);
});

it('renews before half of the duration is over, and not what has ended', async () => {
  const renewals: string[][] = [];
  const keeper = new LeaseKeeper(
    async (ids) => {
      renewals.push(ids);
      return [];
    },
    1_000,
    () => {},
  );
  const [kept, ended] = [new Lease('kept', 't1'), new Lease('ended', 't2')];
  keeper.keep(kept);
  keeper.keep(ended);
  await vi.advanceTimersByTimeAsync(500);
  expect(renewals[0]).toEqual(['kept', 'ended']);
  keeper.drop(ended);
  await vi.advanceTimersByTimeAsync(500);
  expect(renewals.at(-1)).toEqual(['kept']);
  keeper.close();
  const count = renewals.length;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(renewals).toHaveLength(count);
});

it('loses what the store refuses, and only that; a store that fails loses nothing', async () => {
  const errors: string[] = [];
  let answer: () => Promise<string[]> = async () => Promise.reject(new Error('down'));
  const keeper = new LeaseKeeper(
    () => answer(),
    1_000,
    (error) => errors.push(error.message),
  );
  const [held, gone] = [new Lease('held', 't1'), new Lease('gone', 't2')];
  keeper.keep(held);
  keeper.keep(gone);
  await vi.advanceTimersByTimeAsync(300);
  expect([held.lost, gone.lost, errors]).toEqual([false, false, ['down']]);
  answer = async () => ['gone'];
  await vi.advanceTimersByTimeAsync(500);
  expect([held.lost, gone.lost]).toEqual([false, true]);
  expect(errors.at(-1)).toContain('gone');
  keeper.close();
});

it('renews two leases of one job by themselves: the end of the first leaves the second', async () => {
  const tokens: string[][] = [];
  const keeper = new LeaseKeeper(
    async (_ids, shown) => {
      tokens.push(shown);
      return [];
    },
    1_000,
    () => {},
  );
  const [first, second] = [new Lease('job', 'old'), new Lease('job', 'new')];
  keeper.keep(first);
  keeper.keep(second);
  keeper.drop(first);
  await vi.advanceTimersByTimeAsync(600);
  expect(tokens[0]).toEqual(['new']);
  keeper.close();
});
