import { expect, it } from 'vitest';
import type { LeaseStore } from '../driver/lease-store.ts';
import { createTestClock } from '../testing.ts';
import { HeldLease } from './lock-lease.ts';

it('is trusted by the time that the store was asked for, not by one that is on its way', async () => {
  const clock = createTestClock();
  const replies: ((kept: boolean) => void)[] = [];
  const leases: LeaseStore = {
    acquire: async () => ({ token: 1 }),
    renew: () => new Promise((resolve) => replies.push(resolve)),
    release: async () => true,
  };
  const lease = (await HeldLease.take({ clock, leases }, { name: 'x', label: 'x', ttl: 3_000 })) as HeldLease;
  await clock.advance(1_000); // it renews
  void lease.extend(60_000); // and is never answered
  replies[0]?.(true);
  await clock.advance(3_000 * 0.9 - 1);
  expect(lease.held).toBe(true);
  await clock.advance(1);
  expect(lease.held).toBe(false);
});

it('leaves no timer when a renewal fails after its end', async () => {
  const clock = createTestClock();
  let fail: (error: Error) => void = () => {};
  const leases: LeaseStore = {
    acquire: async () => ({ token: 1 }),
    renew: () => new Promise((_, reject) => (fail = reject)),
    release: async () => true,
  };
  const lease = (await HeldLease.take({ clock, leases }, { name: 'x', label: 'x', ttl: 3_000 })) as HeldLease;
  await clock.advance(1_000); // it renews
  await lease.release();
  fail(new Error('the connection is lost'));
  await clock.advance(0);
  expect(clock.pending).toBe(0);
});
