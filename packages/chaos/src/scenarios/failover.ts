import type { Arena } from '../arena.ts';
import { atMost, type Figure, largest, told } from '../figure.ts';
import { monotonic } from '../ledger.ts';
import { startCluster, startSentinels } from '../redis-fleet.ts';
import type { Scenario } from '../scenario.ts';
import { workCalls } from './calls.ts';

const slots = 10;
const processes = 2;

/** The master of a Sentinel fleet is killed under load. */
export const sentinelFailover: Scenario = {
  name: 'sentinel-failover',
  title: 'Sentinel (1 master, 1 replica, 3 sentinels): the master killed -9',
  tasks: { short: 300, long: 8_000 },
  controls: [],
  async run(arena) {
    const fleet = await startSentinels(arena);
    return failOver(arena, fleet.url, async () => fleet.master.kill());
  },
};

/** The master that owns the queue is killed under load. */
export const clusterMasterLoss: Scenario = {
  name: 'cluster-master-loss',
  title: "Cluster (3 masters, 3 replicas): the queue's master killed -9",
  tasks: { short: 300, long: 8_000 },
  controls: [],
  async run(arena) {
    const fleet = await startCluster(arena);
    return failOver(arena, fleet.url, async () => (await fleet.owner()).kill());
  },
};

async function failOver(arena: Arena, url: string, kill: () => Promise<void>): Promise<readonly Figure[]> {
  const workers = await arena.workers(processes, { url, slots });
  const load = arena.load({ url, publishTimeout: '15s' });
  const sending = load.sendAll(workCalls(arena.random, arena.tasks, [5, 15]), { parallel: 4 });
  await arena.afterRuns(arena.tasks / 4);
  arena.fault('kill', 'master');
  const killed = monotonic();
  await kill();
  await sending;
  await load.observe(20_000);
  const entries = arena.entries();
  const gap = largest(
    gaps(entries.filter(({ kind, at }) => kind === 'START' && at > killed - 100).map(({ at }) => at)),
  );
  const verdict = arena.verdict();
  const stuck = verdict.stuck.filter((key) => !verdict.lost.includes(key)).length;
  return [
    told('accepted', verdict.acked),
    told('lost (Redis forgot what it had acknowledged)', verdict.lost.length),
    told('results lost', stuck),
    told('duplicates', verdict.duplicates.length),
    atMost('duplicates beyond what was in flight', Math.max(0, verdict.duplicates.length - processes * slots), 0),
    atMost('lost or stuck waiters that were told nothing', untold(entries), 0),
    atMost('resumption', gap || Number.POSITIVE_INFINITY, arena.bar(8_000), 'ms'),
    told('refused or of unknown fate', load.errors.length),
    atMost('workers that died', workers.filter(({ running }) => !running).length, 0),
    atMost('stale results', verdict.stale.length, 0),
    told('slowest send', largest(load.latencies), 'ms'),
  ];
}

/** Milliseconds between one and the next. */
function gaps(times: readonly number[]): readonly number[] {
  return times.slice(1).map((at, index) => at - (times[index] as number));
}

function untold(entries: ReturnType<Arena['entries']>): number {
  return entries.filter(
    ({ kind, detail }) => kind === 'RESULT' && (detail === 'PENDING' || detail?.startsWith('ERROR')),
  ).length;
}
