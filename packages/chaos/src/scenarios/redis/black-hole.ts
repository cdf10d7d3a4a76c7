import type { Arena } from '../../arena.ts';
import { atLeast, atMost, info, largest } from '../../figure.ts';
import { monotonic } from '../../ledger/ledger.ts';
import type { Load } from '../../load.ts';
import type { Scenario } from '../../scenario.ts';
import { basics, duplicates } from '../verdict-figures.ts';

/** Not doubled in the short form: recovery takes 4.4 s, on a busy machine too. */
const most = 6_000;

/** The network swallows everything on the connections a worker has, and never says so. */
export const blackHole: Scenario = {
  name: 'black-hole',
  title: 'black-holed sockets: how soon does an idle worker consume again',
  tasks: { short: 2, long: 20 },
  controls: [{ sabotage: 'long-socket-timeout', breaks: 'consuming again in time' }],
  async run(arena) {
    const redis = await arena.redis();
    const load = arena.load({ url: arena.url(redis.port) });
    const lanes = arena.short ? 2 : 4;
    const rounds = arena.tasks / lanes;
    const times = await Promise.all(
      Array.from({ length: lanes }, (_, lane) => swallow(arena, load, { port: redis.port, lane, rounds })),
    );
    await load.observe(arena.maxWait);
    const verdict = arena.verdict();
    const all = times.flat();
    return [
      ...basics(verdict),
      ...duplicates(verdict, arena.tasks), // what was in flight: its settlement was swallowed
      atMost('duplicates not recorded as redeliveries', verdict.unrecorded.length, 0),
      atLeast('consuming again in time', all.filter((ms) => ms <= most).length, arena.tasks),
      atMost('slowest', largest(all), most, 'ms'),
      info('fastest', Math.min(...all), 'ms'),
    ];
  },
};

interface Lane {
  readonly port: number;
  readonly lane: number;
  readonly rounds: number;
}

/** A worker with a queue and a proxy of its own; answers with the time to the first start after each fault. */
async function swallow(arena: Arena, load: Load, { port, lane, rounds }: Lane): Promise<readonly number[]> {
  const proxy = await arena.proxy(port);
  const queue = `lane${lane}`;
  const socketTimeout = arena.without('long-socket-timeout') ? ['--socket-timeout', '60s'] : [];
  const worker = await arena.worker({ url: arena.url(proxy.port), flags: ['-Q', queue, ...socketTimeout] });
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const key = `lane${lane}-${round}`;
    await load.send({ key: `${key}-before`, task: 'work', args: [1], queue });
    await started(arena, `${key}-before`, 15_000);
    arena.fault('black-hole', worker.pid);
    proxy.blackHole();
    const began = monotonic();
    await load.send({ key, task: 'work', args: [1], queue });
    times.push(((await started(arena, key, arena.short ? 16_000 : 30_000)) ?? Number.POSITIVE_INFINITY) - began);
  }
  return times;
}

/** When this call first started; undefined when it does not in time. */
async function started(arena: Arena, key: string, timeout: number): Promise<number | undefined> {
  const end = monotonic() + timeout;
  while (monotonic() < end) {
    const entry = arena.entries().find((found) => found.kind === 'START' && found.key === key);
    if (entry) return entry.at;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return undefined;
}
