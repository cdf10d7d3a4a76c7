// The child's side of process.ts: `node child.js <system> <redis url>`, asked over IPC, ended by its disconnect.
import type { Gaps, GroupSpent, Question, Questions, Spent } from './process.ts';
import { createSystem, type SystemName } from './systems/systems.ts';

type Answers = { [Q in Question]: (...given: Parameters<Questions[Q]>) => Promise<ReturnType<Questions[Q]>> };

const [name = '', url = ''] = process.argv.slice(2);
const system = await createSystem(name as SystemName, url); // the harness spells it

let ran = 0;
let onRun = (): void => {};
let awaitAll: (() => Promise<void>) | undefined;
let sent = 0;

const answers: Answers = {
  fill: (count) => spend(count, () => system.fill(count)),
  async work() {
    await system.work(countRun);
    return null;
  },
  drain,
  trip: (count) => spend(count, async () => system.trip?.(count)),
  async calls(count) {
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) {
      const started = performance.now();
      await system.call?.();
      times.push((performance.now() - started) * 1000);
    }
    return times;
  },
  async send(count) {
    sent = count;
    awaitAll = await system.send?.(count);
    return null;
  },
  awaitSent: () => spend(sent, async () => awaitAll?.()),
  chord: (count) => spend(count, async () => system.chord?.(count)),
  group: sendGroup,
  async delay(count) {
    await system.delay?.(count);
    return null;
  },
  gaps: measureGaps,
  cpu: async () => cpuSince(),
  heap: async () => liveHeap(),
  ran: async () => ran,
};

function countRun(): void {
  ran += 1;
  onRun();
}

async function drain(count: number): Promise<Spent> {
  const warmUp = Math.floor(count / 5);
  const measured = new Promise<Spent>((resolve) => {
    let [started, cpu] = [0, 0];
    onRun = () => {
      if (ran === warmUp) [started, cpu] = [performance.now(), cpuSince()];
      if (ran !== count) return;
      resolve({ count: count - warmUp, seconds: (performance.now() - started) / 1000, cpu: cpuSince() - cpu });
    };
  });
  await system.work(countRun);
  return measured;
}

async function measureGaps(count: number): Promise<Gaps> {
  const times: number[] = [];
  const measured = new Promise<void>((resolve) => {
    onRun = () => {
      times.push(performance.now() * 1000);
      if (times.length === count) resolve();
    };
  });
  await system.work(countRun, 1);
  await measured;
  const gaps = times.slice(1).map((at, index) => at - (times[index] as number));
  globalThis.gc?.();
  return { gaps: gaps.slice(Math.floor(count / 5)), rss: process.memoryUsage().rss };
}

async function sendGroup(count: number): Promise<GroupSpent> {
  const heaps = new Map<number, number>();
  const [first, last] = [Math.floor(count / 10), count - 1];
  const look = (index: number): void => {
    if (index === first || index === last) heaps.set(index, liveHeap());
  };
  const spent = await spend(count, async () => system.group?.(count, look));
  return { ...spent, heap: (heaps.get(last) ?? 0) - (heaps.get(first) ?? 0) };
}

function liveHeap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function spend(count: number, work: () => Promise<unknown>): Promise<Spent> {
  const [started, cpu] = [performance.now(), cpuSince()];
  await work();
  return { count, seconds: (performance.now() - started) / 1000, cpu: cpuSince() - cpu };
}

function cpuSince(): number {
  const { user, system: kernel } = process.cpuUsage();
  return user + kernel;
}

process.on('message', ({ question, given }: { question: Question; given: never[] }) => {
  const answer = answers[question] as (...given: never[]) => Promise<unknown>;
  answer(...given).then(
    (value) => process.send?.({ value }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.once('disconnect', async () => {
  await Promise.race([system.close().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 3_000))]);
  process.exit();
});
