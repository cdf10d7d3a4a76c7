import { ResultBackendUnavailableError } from 'lovage';
import { atLeast, info } from '../../figure.ts';
import { aofAlways } from '../../processes/redis-node.ts';
import type { Scenario } from '../../scenario.ts';
import { hold } from '../../until.ts';
import { workCalls } from '../calls.ts';
import { basics, duplicates } from '../verdict-figures.ts';

const slots = 10;

/** The result store is a Redis of its own, and away for a while: nothing is run again for it, and nothing is missing. */
export const resultStoreDown: Scenario = {
  name: 'result-store-down',
  title: 'the result store down for 10 s',
  tasks: { short: 200, long: 2_000 },
  controls: [{ sabotage: 'no-patience', breaks: 'stuck' }],
  async run(arena) {
    const [broker, store] = await Promise.all([arena.redis(), arena.redis(aofAlways)]);
    const url = arena.url(broker.port);
    const backend = `redis://127.0.0.1:${store.port}/0`;
    await arena.workers(2, { url, slots, env: { LOVAGE_RESULT_BACKEND: backend } });
    const load = arena.load({ url, backend, publishTimeout: '1s' });
    const sending = load.sendAll(workCalls(arena.random, arena.tasks, [100, 200]));
    await arena.afterRuns(arena.tasks / 10);
    arena.fault('down', 'result store');
    await store.kill();
    const asked = [...load.results.values()].slice(0, 5);
    const asking = Promise.allSettled(asked.map(({ id }) => load.app.asyncResult(id).state()));
    await hold(arena.short ? 1_500 : 10_000);
    await store.launch();
    const answers = await asking;
    const named = answers.filter(
      (answer) => answer.status === 'rejected' && answer.reason instanceof ResultBackendUnavailableError,
    );
    await sending;
    await load.observe(arena.options.sabotage ? 6_000 : 60_000);
    const verdict = arena.verdict();
    return [
      ...basics(verdict),
      ...duplicates(verdict, 0),
      info('asked meanwhile', asked.length),
      atLeast('rejected with ResultBackendUnavailableError', named.length, asked.length),
    ];
  },
};
