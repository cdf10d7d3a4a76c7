import { expect, it } from 'vitest';
import { sleep, systemClock } from '../../clock.ts';
import { LeaseRenewalThread } from './lease-renewal-thread.ts';
import { LimitTable } from './limit-table.ts';
import { counters, createSharedCounters } from './shared-counters.ts';

/** A loop that beats only when it is told to, looked at every 100 ms. */
function bench(fails = false) {
  const memory = createSharedCounters();
  const limits = new LimitTable(() => {});
  const seen = { opened: 0, renewed: 0, closed: 0 };
  const reported: string[][] = [];
  const report = (overdue: readonly { readonly id: string }[]) => void reported.push(overdue.map(({ id }) => id));
  const settings = {
    counters: memory,
    interval: 100,
    threshold: 400,
    renewal: 500,
    maxEventLoopBlock: 5_000,
    grace: 300,
    limits: limits.memory,
  };
  let now = 0;
  const open = async () => {
    seen.opened += 1;
    return {
      renew: async () => {
        if (fails) throw new Error('no route');
        seen.renewed += 1;
        return 1;
      },
      close: () => {
        seen.closed += 1;
      },
    };
  };
  const renewalThread = new LeaseRenewalThread(settings, { open, report }, now);
  renewalThread.follow({ name: 'x', module: 'x', data: undefined });
  const pass = async (ms: number, beats: boolean): Promise<void> => {
    for (const end = now + ms; now < end; ) {
      now += 100;
      if (beats) Atomics.add(memory, counters.beat, 1);
      renewalThread.look(now);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const standStill = (ms: number): void => {
    now += ms;
  };
  return { memory, limits, reported, seen, pass, standStill };
}

it('renews nothing while the loop beats, and opens no connection', async () => {
  const { seen, pass } = bench();
  await pass(60_000, true);
  expect(seen).toEqual({ opened: 0, renewed: 0, closed: 0 });
});

it('renews while the loop is blocked, says which handler was under way, and hangs up when it beats again', async () => {
  const { memory, seen, pass } = bench();
  await pass(1_000, true);
  memory[counters.entered] = 7;
  await pass(2_500, false);
  expect(seen).toEqual({ opened: 1, renewed: 5, closed: 0 });
  expect([memory[counters.culprit], memory[counters.renewals]]).toEqual([7, 5]);
  await pass(200, true);
  expect(seen.closed).toBe(1);
});

it('lets go after the longest block', async () => {
  const { seen, reported, pass } = bench();
  await pass(60_000, false);
  expect(seen).toEqual({ opened: 1, renewed: 10, closed: 1 });
  expect(reported).toEqual([[]]);
});

it('takes a process that stood still for no block', async () => {
  const { seen, pass, standStill } = bench();
  await pass(500, true);
  standStill(9_000);
  await pass(300, false);
  expect(seen.opened).toBe(0);
});

it('tries again when the leases could not be renewed', async () => {
  const { memory, seen, pass } = bench(true);
  await pass(1_500, false);
  expect(seen.opened).toBeGreaterThan(5);
  expect([seen.renewed, memory[counters.renewals]]).toEqual([0, 0]);
});

it('reports a task that blocks beyond its hard limit and the grace, once in a block, and renews no more', async () => {
  const { limits, reported, seen, pass } = bench();
  limits.begin({ id: 'late', task: 't' }, 0);
  await pass(2_000, true);
  await sleep(systemClock, 310); // limits go by the process's own clock
  expect(reported).toEqual([]);
  await pass(2_500, false);
  expect(reported).toEqual([['late']]);
  expect(seen.renewed).toBe(0);
  await pass(200, true);
  await pass(2_500, false);
  expect(reported).toEqual([['late'], ['late']]);
});
