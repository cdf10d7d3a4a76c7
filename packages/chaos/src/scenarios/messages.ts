import { Lovage } from 'lovage';
import { groups, waitingCanvas } from '../apps/messages-app.ts';
import type { Arena } from '../arena.ts';
import { atLeast, atMost, type Figure, info } from '../figure.ts';
import { check } from '../ledger/checker.ts';
import { messagesAppFile } from '../paths.ts';
import { aofAlways, type RedisNode, volatile } from '../processes/redis-node.ts';
import type { WorkerProcess } from '../processes/worker-process.ts';
import type { Scenario } from '../scenario.ts';
import { hold, until } from '../until.ts';
import { duplicates } from './verdict-figures.ts';

const slots = 5;

/** Messages are published to durable subscriptions while workers die and Redis crashes. */
export const subscriptions: Scenario = {
  name: 'subscriptions',
  title: 'messages to two durable subscriptions: workers killed, Redis killed -9 (AOF always)',
  tasks: { short: 200, long: 3_000 },
  controls: [{ sabotage: 'no-aof', breaks: 'lost' }],
  async run(arena) {
    const [processes, kills] = arena.short ? [2, 1] : [3, 5];
    const { redis, url } = await openRedis(arena);
    const workers = await startWorkers(arena, url, processes);
    const publisher = openApp(arena, url, 'chaos-publisher');
    await until(async () => (await publisher.topics.groups()).length === groups.length, 10_000, 'the groups');
    const publishing = publishAll(arena, publisher);
    await arena.nemesis({ fault: 'kill', count: kills, runs: arena.tasks, targets: processes }, async ({ target }) => {
      await replace(arena, { url, workers, target });
    });
    await crash(arena, redis);
    await publishing;
    const missing = (): number => check(arena.entries()).lost.length;
    await until(() => missing() === 0, arena.maxWait, 'every message to be run').catch(() => undefined); // judged below
    const verdict = arena.verdict();
    return [
      info('accepted', verdict.acked),
      atMost('lost', verdict.lost.length, 0),
      ...duplicates(verdict, (kills + processes) * slots),
      atLeast('accepted for each group', verdict.acked / groups.length, arena.tasks),
    ];
  },
};

/** Canvases wait at gates while everything goes down; decisions are made while nobody works. */
export const gates: Scenario = {
  name: 'gates',
  title: 'canvases at gates: all workers killed, Redis killed -9 (AOF always), decided while nobody works',
  tasks: { short: 40, long: 500 },
  controls: [{ sabotage: 'no-aof', breaks: 'canvases that came through' }],
  async run(arena) {
    const { redis, url } = await openRedis(arena);
    const workers = await startWorkers(arena, url, 2);
    const office = openApp(arena, url, 'chaos-office');
    const keys = Array.from({ length: arena.tasks }, (_, index) => `k${index}`);
    const sent = await Promise.all(keys.map((key) => sendCanvas(office, key)));
    await until(async () => (await office.gates.list()).length === keys.length, 30_000, 'every gate to wait');
    for (const worker of workers) {
      await arena.kill(worker);
    }
    await crash(arena, redis);
    const waiting = await office.gates.list();
    const answers = await Promise.all(waiting.map(({ id }) => decideTwice(office, id)));
    await startWorkers(arena, url, 2);
    const values = await Promise.all(sent.map((id) => outcomeOf(office, id, arena.maxWait)));
    return judgeGates(arena, {
      keys,
      values,
      refused: answers.filter((answer) => answer === 'GateDecidedError').length,
    });
  },
};

interface GateTrial {
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
  readonly refused: number;
}

function judgeGates(arena: Arena, { keys, values, refused }: GateTrial): readonly Figure[] {
  const starts = arena.entries().filter(({ kind, key }) => kind === 'START' && key.startsWith('after:'));
  return [
    info('gates', keys.length),
    atLeast(
      'canvases that came through',
      values.filter((value, index) => value === `yes ${keys[index]}`).length,
      keys.length,
    ),
    atMost('runs behind a gate beyond the first', starts.length - new Set(starts.map(({ key }) => key)).size, 0),
    atLeast('second decisions refused', refused, keys.length),
  ];
}

async function openRedis(arena: Arena): Promise<{ readonly redis: RedisNode; readonly url: string }> {
  const redis = await arena.redis(arena.without('no-aof') ? volatile : aofAlways);
  return { redis, url: arena.url(redis.port) };
}

function startWorkers(arena: Arena, url: string, count: number): Promise<WorkerProcess[]> {
  return arena.workers(count, { url, slots, app: messagesAppFile });
}

function openApp(arena: Arena, broker: string, name: string): Lovage {
  const app = new Lovage(name, {
    broker,
    logLevel: 'silent',
    publishTimeout: '5s',
    connection: { socketTimeout: '3s' },
  });
  arena.onClose(() => app.close());
  return app;
}

async function crash(arena: Arena, redis: RedisNode): Promise<void> {
  arena.fault('crash', 'redis');
  await redis.kill();
  await hold(500);
  await redis.launch();
}

interface Replacing {
  readonly url: string;
  readonly workers: WorkerProcess[];
  readonly target: number;
}

async function replace(arena: Arena, { url, workers, target }: Replacing): Promise<void> {
  const victim = workers[target] as WorkerProcess;
  await arena.kill(victim);
  workers[target] = await arena.worker({ url, slots, app: messagesAppFile }, false);
}

/** Publishes each message until it is accepted, under an id of its own; ten at a time. */
async function publishAll(arena: Arena, publisher: Lovage): Promise<void> {
  const keys = Array.from({ length: arena.tasks }, (_, index) => `k${index}`).values();
  const lane = async (): Promise<void> => {
    for (const key of keys) {
      for (const group of groups) arena.note('SUBMIT', `${group}:${key}`);
      const sent = await publishUntilAccepted(publisher, key);
      for (const group of sent) arena.note('ACK', `${group}:${key}`);
      await hold(10);
    }
  };
  await Promise.all(Array.from({ length: 10 }, lane));
}

async function publishUntilAccepted(publisher: Lovage, key: string): Promise<readonly string[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      return (await publisher.publish('order.created', key, { id: key })).groups;
    } catch {
      await hold(100); // Redis is away
    }
  }
  return [];
}

/** The canvas is of the app that declares it; it is sent by another, as JSON. */
async function sendCanvas(office: Lovage, key: string): Promise<string> {
  const data = JSON.parse(JSON.stringify(waitingCanvas(key, { timeout: '10m' }))) as Parameters<Lovage['signature']>[0];
  return (await office.signature(data).applyAsync([])).id;
}

/** A decision, and another one that comes too late. */
async function decideTwice(office: Lovage, id: string): Promise<string> {
  await office.resolveGate(id, 'yes');
  return office.resolveGate(id, 'no').then(
    () => 'accepted',
    (error: Error) => error.name,
  );
}

function outcomeOf(office: Lovage, id: string, timeout: number): Promise<unknown> {
  return office
    .asyncResult(id)
    .get({ timeout })
    .catch((error: Error) => error.name);
}
