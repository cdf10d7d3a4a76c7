import type { Arena } from '../../arena.ts';
import { atLeast, atMost, type Figure, info, largest } from '../../figure.ts';
import { type Run, readHistory } from '../../ledger/history.ts';
import { monotonic } from '../../ledger/ledger.ts';
import { startCluster, startSentinels } from '../../processes/redis-fleet.ts';
import type { RedisNode } from '../../processes/redis-node.ts';
import type { Scenario } from '../../scenario.ts';
import { hold } from '../../until.ts';
import { workCalls } from '../calls.ts';

const slots = 10;
const processes = 2;
/** Between two calls of each sender, in milliseconds: they are still sending when the master is killed. */
const pace = 2;

/** The master of a Sentinel fleet is killed under load. */
export const sentinelFailover: Scenario = {
  name: 'sentinel-failover',
  title: 'Sentinel (1 master, 1 replica, 3 sentinels): the master killed -9',
  tasks: { short: 300, long: 8_000 },
  controls: [{ sabotage: 'fixed-address', breaks: 'accepted after the kill and run' }],
  async run(arena) {
    const fleet = await startSentinels(arena);
    return failOver(arena, fleet.url, async () => fleet.master);
  },
};

/** The master that owns the queue is killed under load. */
export const clusterMasterLoss: Scenario = {
  name: 'cluster-master-loss',
  title: "Cluster (3 masters, 3 replicas): the queue's master killed -9",
  tasks: { short: 300, long: 8_000 },
  controls: [{ sabotage: 'no-takeover', breaks: 'accepted after the kill and run' }],
  async run(arena) {
    const fleet = await startCluster(arena);
    return failOver(arena, fleet.url, () => fleet.owner());
  },
};

async function failOver(arena: Arena, url: string, find: () => Promise<RedisNode>): Promise<readonly Figure[]> {
  const workers = await arena.workers(processes, { url, slots });
  const { sabotage } = arena.options;
  const load = arena.load({ url, publishTimeout: sabotage ? '2s' : '15s' });
  const sending = load.sendAll(workCalls(arena.random, arena.tasks, [5, 15]), { parallel: 4, pace });
  await arena.afterRuns(arena.tasks / 4);
  const master = await find();
  arena.fault('kill', 'master');
  const killed = monotonic();
  await master.kill();
  if (sabotage) {
    await hold(8_000); // nothing will be accepted any more, and each refusal takes its time
    load.giveUp();
  }
  await sending;
  await load.observe(sabotage ? 1_000 : 20_000);
  const entries = arena.entries();
  const verdict = arena.verdict();
  const stuck = verdict.stuck.filter((key) => !verdict.lost.includes(key)).length;
  const outage = outageOf(entries, killed);
  const again = repetitions(entries, outage);
  return [
    info('accepted', verdict.acked),
    info('lost (Redis forgot what it had acknowledged)', verdict.lost.length),
    info('results lost', stuck),
    info('duplicates', verdict.duplicates.length),
    atMost('duplicates of what was in flight', again.inFlight, processes * slots),
    info('duplicates of what had ended, and its end had not reached the replica', again.unreplicated.length),
    info('the longest time before the kill that one of those had ended', largest(again.unreplicated), 'ms'),
    atMost('duplicates that neither explains', again.others, 0),
    atMost('lost or stuck waiters without an answer', untold(entries), 0),
    atLeast('accepted after the kill and run', acceptedAndRun(entries, killed), 1),
    atMost('resumption', outage.gap, arena.bar(8_000), 'ms'),
    info('refused or of unknown fate', load.errors.length),
    atMost('workers that died', workers.filter(({ running }) => !running).length, 0),
    atMost('stale results', verdict.stale.length, 0),
    info('slowest send', largest(load.latencies), 'ms'),
  ];
}

interface Repetitions {
  readonly inFlight: number;
  /** Milliseconds from the end of each first run to the kill. */
  readonly unreplicated: readonly number[];
  readonly others: number;
}

/**
 * Why tasks were run again. One that ran when the master died could not be settled. One that had ended before may have
 * been settled on the master alone: Redis answers first and replicates then, so its replica still held the task. A third
 * kind would be ours: a task that was run again although it first ran after the failover.
 */
function repetitions(entries: ReturnType<Arena['entries']>, { killed, back }: Outage): Repetitions {
  const unreplicated: number[] = [];
  let [inFlight, others] = [0, 0];
  for (const { runs } of readHistory(entries).calls.values()) {
    for (const index of runs.slice(1).keys()) {
      const { startedAt, ended } = runs[index] as Run;
      if (startedAt >= back) others += 1;
      else if (ended && ended.at < killed) unreplicated.push(killed - ended.at);
      else inFlight += 1;
    }
  }
  return { inFlight, unreplicated, others };
}

function acceptedAndRun(entries: ReturnType<Arena['entries']>, killed: number): number {
  const accepted = new Set(entries.filter(({ kind, at }) => kind === 'ACK' && at > killed).map(({ key }) => key));
  const { calls } = readHistory(entries);
  return [...accepted].filter((key) => (calls.get(key)?.runs.length ?? 0) > 0).length;
}

interface Outage {
  readonly killed: number;
  /** The longest time without a start from the kill on, in milliseconds; for ever where nothing started again. */
  readonly gap: number;
  /** When tasks were started again. What the dead master had handed out before may have started a little after its death. */
  readonly back: number;
}

function outageOf(entries: ReturnType<Arena['entries']>, killed: number): Outage {
  const starts = entries.filter(({ kind, at }) => kind === 'START' && at > killed).map(({ at }) => at);
  const gaps = starts.map((at, index) => at - (starts[index - 1] ?? killed));
  const gap = starts.length === 0 ? Number.POSITIVE_INFINITY : largest(gaps);
  return { killed, gap, back: starts[gaps.indexOf(gap)] ?? Number.POSITIVE_INFINITY };
}

function untold(entries: ReturnType<Arena['entries']>): number {
  return entries.filter(
    ({ kind, detail }) => kind === 'RESULT' && (detail === 'PENDING' || detail?.startsWith('ERROR')),
  ).length;
}
