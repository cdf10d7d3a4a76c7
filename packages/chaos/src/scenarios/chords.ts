import { chord } from 'lovage';
import type { Gathering } from '../apps/app.ts';
import type { Arena } from '../arena.ts';
import { atMost, type Figure, info } from '../figure.ts';
import type { Entry } from '../ledger/ledger.ts';
import type { Load } from '../load.ts';
import { aofAlways } from '../processes/redis-node.ts';
import type { Scenario } from '../scenario.ts';
import { hold, until } from '../until.ts';

const slots = 5;
const members = 20;
/** Of members and bodies, in milliseconds. */
const lengths = [10, 40] as const;
/** How many chords are sent before the first is to have run. */
const ahead = 8;
/** How often sending is tried, under the same id. */
const tries = 20;

/** Chords while workers and Redis are killed: none hangs, and each body has one outcome. */
export const chords: Scenario = {
  name: 'chords',
  title: `chords of ${members} members: kill -9 of workers, and of Redis (AOF always)`,
  tasks: { short: 10, long: 100 },
  controls: [
    { sabotage: 'ack-early', breaks: 'chords without a notification' },
    { sabotage: 'count-joins', breaks: 'bodies not given every value once' },
  ],
  run,
};

async function run(arena: Arena): Promise<readonly Figure[]> {
  const [processes, kills] = arena.short ? [2, 2] : [4, 5];
  const redis = await arena.redis(aofAlways);
  const url = arena.url(redis.port);
  const workers = await arena.workers(processes, { url, slots });
  const load = arena.load({ url });
  const sending = sendChords(arena, load);
  const runs = arena.tasks * members;
  await arena.nemesis({ fault: 'kill', count: kills, runs: runs / 2, targets: processes }, async ({ target }) => {
    const victim = workers[target] as (typeof workers)[number];
    await arena.kill(victim);
    workers[target] = await arena.worker({ url, slots }, false); // the others go on meanwhile
  });
  await arena.afterRuns(runs * 0.6);
  arena.fault('crash', 'redis');
  await redis.kill();
  await hold(700);
  await redis.launch();
  const refused = await sending;
  await load.observe(arena.maxWait);
  await load.observeAgain();
  await until(() => countsOf(arena.entries()).linked === arena.tasks, arena.maxWait, 'every link').catch(() => {}); // judged below
  return [...figuresOf(arena), info('kills of workers', kills), info('sends tried again', refused)];
}

/** Sends every chord, again under its id when it is not known whether it was accepted; resolves with how often that was. */
async function sendChords(arena: Arena, load: Load): Promise<number> {
  let refused = 0;
  const work = load.app.remote<(key: string, ms: number) => string>('work');
  const gather = load.app.remote<(runs: string[], given: Gathering) => string>('gather');
  const tell = load.app.remote<(run: string, key: string) => void>('told');
  const length = (): number => arena.random.between(...lengths);
  for (let index = 0; index < arena.tasks; index += 1) {
    const key = `c${index}`;
    const header = Array.from({ length: members }, (_, member) => work.s(`${key}.${member}`, length()));
    const canvas = chord(header, gather.s({ key, members, ms: length() }).set({ priority: 9 })).link(tell.s(key));
    const taskId = `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`;
    await arena.afterRuns(Math.max(0, index - ahead) * members * 0.8); // so that faults meet the sending too
    arena.note('SUBMIT', key);
    for (let attempt = 1; !load.results.has(key); attempt += 1) {
      try {
        load.results.set(key, await canvas.applyAsync([], { taskId }));
        arena.note('ACK', key);
      } catch (error) {
        if (attempt === tries) throw error;
        refused += 1;
        await hold(250);
      }
    }
  }
  return refused;
}

/** What the ledgers say of bodies and members. */
function countsOf(entries: readonly Entry[]): {
  readonly untold: number;
  readonly failed: number;
  readonly short: number;
  readonly outcomes: readonly number[];
  readonly linked: number;
  readonly runs: { readonly bodies: number; readonly members: number };
} {
  const of = (kind: string) => entries.filter((entry) => entry.kind === kind);
  const isBody = ({ key }: Entry): boolean => !key.includes('.');
  const info = of('RESULT');
  const keys = [...new Set(of('SUBMIT').map(({ key }) => key))];
  const ended = (key: string) => info.filter((entry) => entry.key === key && entry.detail !== 'LINK');
  const valuesOf = (key: string) =>
    new Set(info.flatMap((entry) => (entry.key === key && entry.run ? [entry.run] : [])));
  const states = keys.map((key) => ended(key).map(({ detail }) => detail));
  return {
    untold: states.filter((list) => !list.some((state) => state === 'SUCCESS' || state === 'FAILURE')).length,
    failed: states.filter((list) => list.includes('FAILURE')).length,
    short: of('END').filter((entry) => isBody(entry) && entry.detail !== 'ok').length,
    outcomes: keys.map((key) => valuesOf(key).size),
    linked: new Set(info.filter(({ detail }) => detail === 'LINK').map(({ key }) => key)).size,
    runs: { bodies: of('START').filter(isBody).length, members: of('START').filter((entry) => !isBody(entry)).length },
  };
}

function figuresOf(arena: Arena): readonly Figure[] {
  const { untold, failed, short, outcomes, linked, runs } = countsOf(arena.entries());
  return [
    info('chords', arena.tasks),
    atMost('chords without a notification', untold, 0),
    atMost('chords that failed', failed, 0),
    atMost('bodies not given every value once', short + failed, 0),
    atMost('bodies with more than one outcome', outcomes.filter((count) => count > 1).length, 0),
    atMost('links that were not sent', arena.tasks - linked, 0),
    info('members run again', runs.members - arena.tasks * members),
    info('bodies run again', runs.bodies - arena.tasks),
  ];
}
