// The fuzzers: seeded mutations of what lies in Redis, of messages on the bus, and of what handlers say to their worker. After each
// batch twenty good tasks must end well within 10 s, the worker must live, the beat must fire, and no storm of commands may go on.
import type { DriverName } from '../arena.ts';
import { createRandom, type Random } from '../random.ts';
import { FuzzBench } from './fuzz-bench.ts';
import { mutateText } from './mutate.ts';
import { mutateValue, type StoredValue, writeValues } from './snapshot.ts';
import { captureWorkload } from './workload.ts';

/** What is mutated. */
export type FuzzTarget = 'redis' | 'bus' | 'pool';
export const fuzzTargets: readonly FuzzTarget[] = ['redis', 'bus', 'pool'];

/** One run of a fuzzer. */
export interface FuzzOptions {
  readonly target: FuzzTarget;
  readonly driver: DriverName;
  readonly seed: number;
  /** How many mutations in all. */
  readonly count: number;
  /** Begin at this batch, as a report names it. @default 0 */
  readonly from?: number;
  readonly say?: (line: string) => void;
}

/** A batch after which something did not hold. */
export interface FuzzDefect {
  readonly batch: number;
  readonly problem: string;
  /** It was still so when the mutated keys had been deleted. */
  readonly stays: boolean;
  /** What had been written. */
  readonly written: readonly unknown[];
  /** The last lines of the worker. */
  readonly log: string;
}

/** What a run came to. */
export interface FuzzReport {
  readonly mutations: number;
  readonly families: number;
  readonly defects: readonly FuzzDefect[];
}

/** Mutations a batch. */
const batchSize = 50;
/** After so many batches a quiet window is measured. */
const quietEvery = 10;

interface Attack {
  /** Kinds of values or messages that are mutated. */
  readonly families: number;
  /** Does a batch; returns what it wrote. */
  batch(random: Random): Promise<readonly unknown[]>;
  /** Takes back what can be taken back. */
  undo(): Promise<void>;
}

/** Runs a fuzzer. Rejects when it cannot begin. */
export async function fuzz({ target, driver, seed, count, from = 0, say }: FuzzOptions): Promise<FuzzReport> {
  const bench = await FuzzBench.start({
    driver,
    ...(target === 'pool' ? { pool: seed % 2 ? 'processes' : 'threads' } : {}),
  });
  const defects: FuzzDefect[] = [];
  try {
    const attack = await attacks[target](bench);
    say?.(`${target} on ${driver}, seed ${seed}: ${attack.families} values or messages to mutate`);
    const batches = Math.ceil(count / batchSize);
    for (let batch = from; batch < from + batches; batch += 1) {
      const defect = await tryBatch(bench, attack, { batch, random: createRandom(seed * 1_000_003 + batch) });
      if (defect === undefined) continue;
      defects.push(defect);
      say?.(`batch ${batch}: ${defect.problem}${defect.stays ? '; so also without the mutated values' : ''}`);
      if (!defect.stays) continue;
      await bench.restartWorker();
      if (await bench.goodTasks()) break; // nothing that comes after it could be told apart
    }
    return { mutations: batches * batchSize, families: attack.families, defects };
  } finally {
    await bench.close();
  }
}

/** What did not hold after a batch. */
async function tryBatch(
  bench: FuzzBench,
  attack: Attack,
  { batch, random }: { readonly batch: number; readonly random: Random },
): Promise<FuzzDefect | undefined> {
  const written = await attack.batch(random);
  const quiet = batch % quietEvery === quietEvery - 1;
  const problem = (await bench.goodTasks()) ?? (quiet ? await lookLonger(bench) : undefined);
  if (problem === undefined) return undefined;
  const { log } = bench;
  await attack.undo();
  const stays = (bench.alive ? await bench.goodTasks() : 'the worker has ended') ?? (await lookLonger(bench));
  return { batch, problem, stays: stays !== undefined, written, log };
}

async function lookLonger(bench: FuzzBench): Promise<string | undefined> {
  const rate = await bench.storm();
  return rate === undefined ? bench.beatGoesOn() : `${rate} commands a second while nothing was sent`;
}

const attacks: Readonly<Record<FuzzTarget, (bench: FuzzBench) => Promise<Attack>>> = {
  redis: attackRedis,
  bus: attackBus,
  pool: attackPool,
};

async function attackRedis(bench: FuzzBench): Promise<Attack> {
  const corpus = await captureWorkload(bench);
  const { client } = bench.redis;
  const last = new Map<string, StoredValue>();
  const undo = async (): Promise<void> => {
    if (last.size > 0) await client.del(...last.keys());
    last.clear();
  };
  return {
    families: corpus.length,
    undo,
    batch: async (random) => {
      await undo();
      for (let turn = 0; turn < batchSize; turn += 1) {
        const value = random.pick(corpus);
        last.set(value.key, mutateValue(random, last.get(value.key) ?? value));
      }
      await writeValues(client, [...last.values()]);
      return [...last.values()];
    },
  };
}

/** Commands of remote control that would do what they say: a worker that ends by them is no defect. */
const obeyed = /"(?:shutdown|cancel-consumer|pool-shrink|pool-grow|autoscale|rate-limit|time-limit)"/;

async function attackBus(bench: FuzzBench): Promise<Attack> {
  const listener = bench.redis.client.duplicate();
  const heard: (readonly [string, string])[] = [];
  listener.on('pmessage', (_pattern: string, channel: string, text: string) => heard.push([channel, text]));
  await listener.psubscribe('lovage:*');
  const { inspect, control } = bench.producer.app;
  const short = { timeout: 300 };
  for (const look of [inspect.ping(short), inspect.stats(short), inspect.active(short), inspect.registered(short)])
    await look;
  await control.revoke('no-such-task', { terminate: true }).catch(() => {});
  await captureWorkload(bench);
  await listener.quit();
  const corpus = [
    ...new Map(heard.map(([channel, text]) => [channel + text.slice(0, 40), [channel, text] as const])).values(),
  ]
    .filter(([, text]) => !obeyed.test(text))
    .slice(0, 500);
  return {
    families: corpus.length,
    undo: async () => {},
    batch: async (random) => {
      const pipeline = bench.redis.client.pipeline();
      const written = Array.from({ length: batchSize }, () => {
        const [channel, text] = random.pick(corpus);
        return [channel, mutateText(random, text)] as const;
      });
      for (const [channel, text] of written) if (!obeyed.test(text)) pipeline.publish(channel, text);
      await pipeline.exec();
      return written;
    },
  };
}

async function attackPool(bench: FuzzBench): Promise<Attack> {
  return {
    families: 9,
    undo: async () => {},
    batch: async (random) => {
      const seed = random.between(1, 2 ** 31);
      const result = await bench.producer.app.sendTask('says', [seed, batchSize], { queue: 'good' });
      const said = await result.get({ timeout: 10_000 }).catch(String);
      if (said !== batchSize) throw new Error(`the task that said foreign things gave ${said}`);
      return [{ seed }];
    },
  };
}
