import type { Arena } from '../arena.ts';
import { atMost, info, largest } from '../figure.ts';
import { readHistory } from '../ledger/history.ts';
import { monotonic } from '../ledger/ledger.ts';
import type { Load } from '../load.ts';
import type { Scenario } from '../scenario.ts';
import { hold } from '../until.ts';
import { workCalls } from './calls.ts';
import { basics, duplicates } from './verdict-figures.ts';

const slots = 10;

/** A worker stands still for longer than its leases last, while another takes its tasks over; then it goes on. */
export const pauseWorker: Scenario = {
  name: 'pause-worker',
  title: 'SIGSTOP of a worker for 9 s, then SIGCONT',
  tasks: { short: 10, long: 50 },
  controls: [{ sabotage: 'no-fence', breaks: 'stale results' }],
  async run(arena) {
    const redis = await arena.redis();
    const url = arena.url(redis.port);
    const load = arena.load({ url });
    const aborts: number[] = [];
    for (let done = 0; done < arena.tasks; done += slots) aborts.push(...(await pauseOnce(arena, load, url)));
    await load.observeAgain();
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      ...duplicates(verdict, arena.tasks),
      info('runs that went on after the pause', aborts.length),
      atMost('slowest abort after SIGCONT', largest(aborts), arena.bar(1_000), 'ms'),
    ];
  },
};

/** Ten handlers that do not heed their signal: what they return after the pause is stale. */
async function pauseOnce(arena: Arena, load: Load, url: string): Promise<readonly number[]> {
  const before = arena.runs();
  const sleeper = await arena.worker({ url, slots });
  const calls = workCalls(arena.random, slots, [1_000, 3_000]);
  await load.sendAll(calls.map((call) => ({ ...call, key: `${before}-${call.key}`, args: [...call.args, false] })));
  await arena.afterRuns(before + slots);
  arena.fault('stop', sleeper.pid);
  sleeper.signal('SIGSTOP');
  const [heir] = await Promise.all([arena.worker({ url, slots }), hold(arena.short ? 3_600 : 9_000)]);
  await arena.afterRuns(before + slots + 1, 10_000);
  const went = monotonic();
  arena.fault('cont', sleeper.pid);
  sleeper.signal('SIGCONT');
  await load.observe(arena.maxWait);
  await hold(arena.short ? 1_500 : 3_000); // what the sleeper still has to say, it says now
  await Promise.all([sleeper.kill(), heir.kill()]);
  return abortsOf(arena, String(sleeper.pid), went);
}

/** How long after `went` each run of this process, still under way then, learnt that it had lost its lease. */
function abortsOf(arena: Arena, process: string, went: number): readonly number[] {
  const runs = [...readHistory(arena.entries()).calls.values()].flatMap((call) => call.runs);
  return runs
    .filter((run) => run.process === process && run.startedAt < went && (run.ended?.at ?? went) >= went)
    .map((run) => (run.aborted ?? Number.POSITIVE_INFINITY) - went);
}
