import type { Arena } from '../arena.ts';
import { atLeast, atMost, type Figure, info } from '../figure.ts';
import { type Entry, monotonic } from '../ledger/ledger.ts';
import { lockRunnerFile } from '../paths.ts';
import { LineProcess } from '../processes/line-process.ts';
import type { Scenario } from '../scenario.ts';
import { until } from '../until.ts';

const processes = 5;
const contenders = 10;
const names = ['a', 'b', 'c'];

/** Fifty contenders in five processes take two of three locks at a time, each in an order of its own. */
export const locks: Scenario = {
  name: 'locks',
  title: '50 contenders for two of three locks at a time: one holder each, fences grow, nobody waits for ever',
  tasks: { short: 500, long: 10_000 },
  controls: [{ sabotage: 'no-lock', breaks: 'overlaps' }],
  async run(arena) {
    const redis = await arena.redis();
    const plan = { url: arena.url(redis.port), role: 'lock', contenders, names, careless: arena.without('no-lock') };
    const rounds = Math.ceil(arena.tasks / (processes * contenders * 2));
    const children = Array.from({ length: processes }, () => start(arena, { ...plan, rounds }));
    await Promise.all(children.map((child) => child.said(/^done$/, 0, 120_000)));
    return judge(arena.entries(), rounds * processes * contenders * 2);
  },
};

/** A leader is stopped for longer than its lease, and goes on writing to a register that looks at the fence. */
export const fencedWrites: Scenario = {
  name: 'fenced-writes',
  title: 'SIGSTOP of a leader for longer than its lease: the register refuses what it writes afterwards',
  tasks: { short: 1, long: 5 },
  controls: [{ sabotage: 'no-fence-check', breaks: 'written backwards' }],
  async run(arena) {
    const redis = await arena.redis();
    const plan = { url: arena.url(redis.port), role: 'lead', ttl: 1_000 };
    const register = new Register(!arena.without('no-fence-check'));
    const leaders = [start(arena, plan), start(arena, plan)];
    for (let pause = 0; pause < arena.tasks; pause += 1) await pauseLeader(leaders, register, arena);
    return [
      info('pauses', arena.tasks),
      info('writes taken', register.taken),
      atLeast('stale writes', register.refused + register.backwards, arena.tasks),
      atMost('written backwards', register.backwards, 0),
    ];
  },
};

function start(arena: Arena, plan: object): LineProcess {
  const env = { ...process.env, CHAOS_LEDGER: arena.ledgers };
  const child = new LineProcess({ args: [lockRunnerFile, JSON.stringify(plan)], env });
  arena.onClose(() => child.end());
  return child;
}

/** One holder of a name at a time, and every grant of it with a larger fence than the one before. */
function judge(entries: readonly Entry[], wanted: number): readonly Figure[] {
  const held = new Map<string, number>();
  const fences = new Map<string, number>();
  let [grants, overlaps, backwards] = [0, 0, 0];
  for (const { kind, key, detail } of entries) {
    const now = held.get(key) ?? 0;
    if (kind === 'END') held.set(key, now - 1);
    if (kind !== 'START') continue;
    grants += 1;
    if (now > 0) overlaps += 1;
    if (Number(detail) <= (fences.get(key) ?? 0)) backwards += 1;
    held.set(key, now + 1);
    fences.set(key, Number(detail));
  }
  return [
    atLeast('grants', grants, wanted),
    atMost('overlaps', overlaps, 0),
    atMost('fences that did not grow', backwards, 0),
  ];
}

async function pauseLeader(leaders: readonly LineProcess[], register: Register, arena: Arena): Promise<void> {
  const look = (): Register => register.read(leaders);
  const fenceBefore = look().fence;
  await until(() => look().fence > fenceBefore || fenceBefore > 0, 30_000, 'a leader');
  const first = register.last as LineProcess;
  arena.fault('SIGSTOP', first.pid);
  first.signal('SIGSTOP');
  const fence = look().fence;
  await until(() => look().fence > fence, 30_000, 'a successor');
  const stale = register.refused + register.backwards;
  arena.fault('SIGCONT', first.pid);
  first.signal('SIGCONT');
  const went = monotonic();
  await until(() => look().refused + register.backwards > stale, 30_000, `a stale write after ${went}`);
}

/** What leaders write, in the order in which they say it: a resource that may look at the fence. */
class Register {
  fence = 0;
  taken = 0;
  refused = 0;
  backwards = 0;
  /** Who wrote last. */
  last: LineProcess | undefined;
  readonly #checks: boolean;
  readonly #read = new Map<LineProcess, number>();

  constructor(checks: boolean) {
    this.#checks = checks;
  }

  read(leaders: readonly LineProcess[]): this {
    for (const leader of leaders) {
      const from = this.#read.get(leader) ?? 0;
      const lines = leader.lines.slice(from);
      this.#read.set(leader, from + lines.length);
      for (const { text } of lines) if (text.startsWith('writes ')) this.#write(Number(text.slice(7)), leader);
    }
    return this;
  }

  #write(fence: number, by: LineProcess): void {
    const stale = fence < this.fence;
    if (stale && this.#checks) {
      this.refused += 1;
      return;
    }
    if (stale) this.backwards += 1;
    this.fence = fence;
    this.taken += 1;
    this.last = by;
  }
}
