// W1–W7: durable workflows on Redis Streams, their worker and their caller in one process. The steps do nothing: what is measured is what
// a step costs to store.
import { type Bench, type BenchContext, type Load, scaled } from '../bench.ts';
import { type Measurement, measureRounds, quantile } from '../measure.ts';
import { startRedisServer } from '../redis-server.ts';
import { type WorkflowPeer, workflowPeers } from '../systems/workflow-peers.ts';

const atOnce = 50;
const steps = 10;
/** Runs before the clock starts, of each engine. */
const warmUp = (load: Load): number => scaled(load, 500, atOnce);

export const workflow: Bench = async (context) => {
  const whyNot = (peer: WorkflowPeer): string | undefined =>
    context.load.scale < 0.1 ? 'a smoke test does without' : peer.missing();
  const peers = workflowPeers.filter((peer) => whyNot(peer) === undefined);
  const measurements = [
    throughput(context),
    latency(context),
    sequence(context),
    alwaysSynced(context),
    ...peers.map((peer) => measurePeer(context, peer)),
  ];
  const rounds = await measureRounds(context.load.rounds, measurements, (done) =>
    context.say(`round ${done} of ${context.load.rounds}`),
  );
  const missing = Object.fromEntries(
    workflowPeers.flatMap((peer) => {
      const why = whyNot(peer);
      return why === undefined ? [] : Object.values(figuresOf(peer)).map((figure) => [figure, why]);
    }),
  );
  return { rounds, missing };
};

const figuresOf = ({ name }: WorkflowPeer) => ({
  rate: `${name} steps, 50 runs at once`,
  p50: `${name} run of one step p50`,
});

function measurePeer({ load }: BenchContext, peer: WorkflowPeer): Measurement {
  return async () => {
    const { rate, p50 } = await peer.measure({
      runs: scaled(load, 500, 20),
      short: scaled(load, 200, 5),
      warm: warmUp(load),
    });
    const figures = figuresOf(peer);
    return { [figures.rate]: rate, [figures.p50]: p50 };
  };
}

type Flow = Awaited<ReturnType<typeof open>>;

/** An app with its worker. */
async function open(url: string) {
  const [{ Lovage }, { startWorker }] = await Promise.all([import('lovage'), import('lovage/worker')]);
  const app = new Lovage('bench', { broker: url.replace('redis:', 'redis+streams:'), logLevel: 'error' });
  const flow = app.workflow({ name: 'flow', parkAfter: 50 }, async (w, count: number) => {
    let sum = 0;
    for (let step = 0; step < count; step += 1) sum += await w.step('add', () => 1);
    return sum;
  });
  const parking = app.workflow({ name: 'parking', parkAfter: 1 }, async (w, count: number) => {
    for (let step = 0; step < count; step += 1) await w.step('add', () => 1);
    await w.event('go');
    return count;
  });
  await startWorker(app, { concurrency: atOnce });
  return { app, flow, parking };
}

async function withFlows<T>(url: string, work: (flows: Flow) => Promise<T>): Promise<T> {
  const flows = await open(url);
  try {
    return await work(flows);
  } finally {
    await flows.app.close();
  }
}

/** Starts so many runs, some at a time, and awaits them. */
async function runAll({ flow }: Flow, count: number): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await (await flow.start(steps)).get({ timeout: '60s' });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

function throughput({ load, redis }: BenchContext): Measurement {
  return async () => {
    await redis.client.flushall();
    return withFlows(redis.url, async (flows) => {
      await runAll(flows, warmUp(load));
      const count = scaled(load, 2_000, 20);
      const [before, cpu, began] = [await usedMemory(redis.client), process.cpuUsage(), performance.now()];
      await runAll(flows, count);
      const took = performance.now() - began;
      const { user, system } = process.cpuUsage(cpu);
      const bytes = (await usedMemory(redis.client)) - before;
      const short = await memoryOfRuns(flows, redis.client, Math.min(count, 200));
      return {
        'workflow steps, 50 runs at once': (count * steps * 1_000) / took,
        'workflow: Node CPU of a step': (user + system) / (count * steps),
        'workflow: Redis memory of a run of 10 steps': bytes / count,
        'workflow: Redis memory of a step': short,
      };
    });
  };
}

/** What 90 more steps cost, by step: the run itself, its message and its result cancel out. */
async function memoryOfRuns({ flow }: Flow, client: BenchContext['redis']['client'], count: number): Promise<number> {
  const cost = async (length: number): Promise<number> => {
    const before = await usedMemory(client);
    for (let run = 0; run < count; run += 1) await (await flow.start(length)).get({ timeout: '60s' });
    return ((await usedMemory(client)) - before) / count;
  };
  const ten = await cost(10);
  return ((await cost(100)) - ten) / 90;
}

async function usedMemory(client: BenchContext['redis']['client']): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1] ?? 0);
}

function latency({ load, redis }: BenchContext): Measurement {
  return async () => {
    await redis.client.flushall();
    return withFlows(redis.url, async ({ flow }) => {
      const times: number[] = [];
      const count = scaled(load, 1_000, 20);
      for (let run = 0; run < count * 1.25; run += 1) {
        const began = performance.now();
        await (await flow.start(1)).get({ timeout: '60s' });
        if (run >= count / 4) times.push(performance.now() - began); // the first ones warm up
      }
      return {
        'workflow of one step p50': quantile(times, 0.5) ?? 0,
        'workflow of one step p99': quantile(times, 0.99) ?? 0,
      };
    });
  };
}

function sequence({ redis }: BenchContext): Measurement {
  return async () => {
    await redis.client.flushall();
    return withFlows(redis.url, async ({ flow, parking }) => {
      await (await flow.start(1_000)).get({ timeout: '60s' });
      const began = performance.now();
      await (await flow.start(1_000)).get({ timeout: '60s' });
      const took = performance.now() - began;
      const parked = await parking.start(1_000);
      while ((await parked.status()).state !== 'PARKED') await new Promise((resolve) => setTimeout(resolve, 10));
      const woken = performance.now();
      await parked.send('go');
      await parked.get({ timeout: '60s' });
      return { 'workflow: 1,000 steps in a row': took, 'workflow: replay of 1,000 steps': performance.now() - woken };
    });
  };
}

function alwaysSynced({ load }: BenchContext): Measurement {
  return async () => {
    const synced = await startRedisServer(['--appendonly', 'yes', '--appendfsync', 'always']);
    try {
      return await withFlows(synced.url, async (flows) => {
        await runAll(flows, warmUp(load));
        const count = scaled(load, 1_000, 20);
        const began = performance.now();
        await runAll(flows, count);
        return { 'workflow steps, appendfsync always': (count * steps * 1_000) / (performance.now() - began) };
      });
    } finally {
      await synced.stop();
    }
  };
}
