import type { Arena } from '../arena.ts';
import { atLeast, atMost, type Figure, info, largest } from '../figure.ts';
import { type Entry, monotonic } from '../ledger/ledger.ts';
import { beatAppFile, bin } from '../paths.ts';
import { LineProcess } from '../processes/line-process.ts';
import type { Scenario } from '../scenario.ts';
import { hold, until } from '../until.ts';

/** The interval of every entry, in milliseconds. */
const interval = 500;
const entries = 10;
/** Of the leader, in milliseconds. */
const lease = 2_000;
const leads = /"msg":"beat leads"/;

/** Three beats stand by for each other; leaders are killed, stopped, and asked to end. */
export const beat: Scenario = {
  name: 'beat',
  title: 'three beats, 20 slots a second: leaders killed, one stopped for longer than its lease, one asked to end',
  tasks: { short: 100, long: 1_200 },
  controls: [{ sabotage: 'no-catch-up', breaks: 'missed slots' }],
  run: withBeats,
};

/** Beats that do not ask who leads: what keeps slots single is their ids. */
export const beatNoLease: Scenario = {
  name: 'beat-no-lease',
  title: 'two beats that both fire everything, without a lease',
  tasks: { short: 100, long: 400 },
  controls: [{ sabotage: 'own-ids', breaks: 'duplicate slots' }],
  async run(arena) {
    const fleet = await BeatFleet.start(arena, ['--no-elect']);
    const beats = [fleet.spawn(), fleet.spawn()];
    await Promise.all(beats.map((one) => one.said(/beat is ready/)));
    await fleet.slots(arena.tasks);
    return [...fleet.judge(), info('beats that fire', beats.length)];
  },
};

async function withBeats(arena: Arena): Promise<readonly Figure[]> {
  const kills = arena.short ? 1 : 5;
  const fleet = await BeatFleet.start(arena, ['--lease', `${lease}ms`]);
  for (let count = 0; count < 3; count += 1) fleet.spawn();
  await fleet.leader();
  const share = Math.floor(arena.tasks / (kills + 3));
  const takeOvers: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    await fleet.slots(share + arena.random.between(0, entries));
    takeOvers.push(await fleet.depose('SIGKILL'));
  }
  await fleet.slots(share);
  takeOvers.push(await fleet.pause(arena.short ? lease * 2 : lease * 4));
  await fleet.slots(share);
  const handOver = await fleet.depose('SIGTERM');
  await fleet.slots(share);
  return [
    ...fleet.judge(),
    info('kills', kills),
    atMost('slowest take-over after a kill or a stop', largest(takeOvers), arena.bar(lease + 1_000), 'ms'),
    atMost('take-over after SIGTERM', handOver, arena.bar(500), 'ms'),
  ];
}

/** `lovage beat` in processes of their own, and a worker that writes down each slot it runs. */
class BeatFleet {
  readonly #arena: Arena;
  readonly #flags: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  readonly #beats: LineProcess[] = [];

  static async start(arena: Arena, flags: readonly string[]): Promise<BeatFleet> {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const fleet = new BeatFleet(arena, flags, url);
    await arena.worker({ url, app: beatAppFile, slots: 16, env: fleet.#sabotage });
    return fleet;
  }

  private constructor(arena: Arena, flags: readonly string[], url: string) {
    this.#arena = arena;
    this.#flags = flags;
    const clean = Object.entries(process.env).filter(([key]) => !/^(LOVAGE_|REDIS_URL|NODE_OPTIONS|VITEST)/.test(key));
    this.#env = { ...Object.fromEntries(clean), LOVAGE_BROKER_URL: url, ...this.#sabotage };
  }

  get #sabotage(): Readonly<Record<string, string>> {
    const { sabotage } = this.#arena.options;
    return { CHAOS_ENTRIES: String(entries), ...(sabotage ? { CHAOS_BEAT: sabotage } : {}) };
  }

  spawn(): LineProcess {
    const args = [bin, 'beat', '-A', beatAppFile, '--refresh', '1s', '--log-format', 'json', ...this.#flags];
    const process = new LineProcess({ args, env: this.#env });
    this.#beats.push(process);
    this.#arena.onClose(() => process.end());
    return process;
  }

  /** The one that leads, once there is one. */
  async leader(): Promise<LineProcess> {
    return (await until(() => this.#leading(), 30_000, 'a leader')) as LineProcess;
  }

  /** Ends the leader, replaces it, and tells how long it took until another led. */
  async depose(how: NodeJS.Signals): Promise<number> {
    const leader = await this.leader();
    this.#arena.fault(how, leader.pid);
    const others = this.#others(leader);
    const from = monotonic();
    const ended = leader.end(how);
    const took = await this.#follow(others, from);
    await ended;
    this.#beats.splice(this.#beats.indexOf(leader), 1);
    this.spawn();
    return took;
  }

  /** Stops the leader for so long, which is longer than its lease, and lets it go on. */
  async pause(ms: number): Promise<number> {
    const leader = await this.leader();
    this.#arena.fault('SIGSTOP', leader.pid);
    const others = this.#others(leader);
    const from = monotonic();
    leader.signal('SIGSTOP');
    const [took] = await Promise.all([this.#follow(others, from), hold(ms)]);
    this.#arena.fault('SIGCONT', leader.pid);
    const went = monotonic();
    leader.signal('SIGCONT');
    await leader.said(/beat leads no longer/, went);
    return took;
  }

  /** Resolves when so many more slots have run. */
  async slots(count: number): Promise<void> {
    await this.#arena.afterRuns(this.#arena.runs() + count, 120_000);
  }

  /** Slots that ran twice, and slots of the grid that did not run, between the first and the last of all. */
  judge(): readonly Figure[] {
    const { duplicates, missed, runs } = countSlots(this.#arena.entries());
    return [
      info('slots run', runs),
      atLeast('entries seen', new Set(slotsOf(this.#arena.entries()).map(({ name }) => name)).size, entries),
      atMost('duplicate slots', duplicates, 0),
      atMost('missed slots', missed, 0),
    ];
  }

  #leading(): LineProcess | undefined {
    const last = (beat: LineProcess): number => beat.lines.findLastIndex(({ text }) => leads.test(text));
    const lost = (beat: LineProcess): number =>
      beat.lines.findLastIndex(({ text }) => /beat leads no longer/.test(text));
    return this.#beats.find((beat) => last(beat) > lost(beat));
  }

  #others(leader: LineProcess): readonly LineProcess[] {
    return this.#beats.filter((beat) => beat !== leader);
  }

  async #follow(beats: readonly LineProcess[], from: number): Promise<number> {
    const { at } = await Promise.any(beats.map((beat) => beat.said(leads, from)));
    return at - from;
  }
}

interface Slot {
  readonly name: string;
  readonly slot: number;
}

function slotsOf(lines: readonly Entry[]): readonly Slot[] {
  return lines
    .filter(({ kind }) => kind === 'START')
    .map(({ key }) => {
      const [name = '', slot] = key.split(' ');
      return { name, slot: Number(slot) };
    });
}

/** The last slots may still be on their way: the grid ends where the slowest entry ends, give or take one interval. */
function countSlots(lines: readonly Entry[]): { runs: number; duplicates: number; missed: number } {
  const slots = slotsOf(lines);
  const byName = new Map<string, Set<number>>();
  for (const { name, slot } of slots) byName.set(name, (byName.get(name) ?? new Set()).add(slot));
  const first = Math.max(...[...byName.values()].map((seen) => Math.min(...seen)));
  const last = Math.max(...slots.map(({ slot }) => slot)) - interval;
  let missed = 0;
  for (const seen of byName.values()) {
    for (let slot = first; slot <= last; slot += interval) if (!seen.has(slot)) missed += 1;
  }
  const distinct = [...byName.values()].reduce((sum, seen) => sum + seen.size, 0);
  return { runs: slots.length, duplicates: slots.length - distinct, missed };
}
