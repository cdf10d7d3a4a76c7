// SUCCESS and REVOKED of one task are never both seen, however the revocation and the end of the task meet.
import { Lovage } from '@lovage/core';
import { type Connection, type Driver, newTaskId, type OutcomeRecord, type ResultBackend } from '@lovage/core/driver';
import { startWorker } from '@lovage/core/worker';
import { expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

const rounds = 1_000;

/** What was seen of the rounds. */
interface Seen {
  /** Ids of which more than one final state was seen, by whoever waited or asked. */
  readonly both: readonly string[];
  readonly states: Readonly<Record<string, number>>;
}

/** Tasks of 0 to 24 ms, each revoked 0 to 8 ms after it was sent, by id and by stamp, with and without terminate. */
async function race(broker: string, drivers: readonly Driver[]): Promise<Seen> {
  const options = { broker, prefix: `r${newTaskId()}`, drivers, logLevel: 'silent' } as const;
  const [app, witness] = [new Lovage('race', options), new Lovage('race', options)];
  const task = app.task('nap', (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)));
  await startWorker(app, { concurrency: 20, lockDuration: '2s', stalledInterval: '1s' });
  const both: string[] = [];
  const states: Record<string, number> = {};
  const play = async (round: number): Promise<void> => {
    const random = (n: number) => (round * 7919 + n * 104_729) % 9; // the same rounds in every run
    const stamps = { round: String(round) };
    const { id } = await task.applyAsync([3 * random(1)], { stamps });
    const own = app.asyncResult(id).wait({ timeout: '20s' });
    const others = witness.asyncResult(id).wait({ timeout: '20s' });
    await new Promise((resolve) => setTimeout(resolve, random(2)));
    const how = { terminate: round % 2 === 0, timeout: 50 };
    if (round % 10 === 0) await witness.control.revokeByStampedHeaders(stamps, how);
    else await witness.control.revoke(id, how);
    const early = [await own, await others];
    const seen = new Set([...early, await witness.asyncResult(id).wait({ timeout: '20s' })].map(({ state }) => state));
    for (const state of seen) states[state] = (states[state] ?? 0) + 1;
    if (seen.size > 1) both.push(id);
  };
  const numbers = Array.from({ length: rounds }, (_, round) => round).values();
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (const round of numbers) await play(round);
    }),
  );
  await app.close();
  await witness.close();
  return { both, states };
}

/** The drivers with a result store that forgets that a final record stays: what is written last stands. */
const forgetful: readonly Driver[] = [redisDriver, streamsDriver].map((driver) => ({
  ...driver,
  connect: (url, context) => {
    const connection = driver.connect(url, context);
    const results = connection.results as ResultBackend;
    const put: ResultBackend['put'] = async (writes) => {
      await results.forget(writes.map(({ record }: { readonly record: OutcomeRecord }) => record.id));
      return results.put(writes);
    };
    const changed = new Proxy(results, {
      get: (of, name) => (name === 'put' ? put : bound(of, name)),
    });
    return new Proxy(connection, {
      get: (of, name) => (name === 'results' ? changed : bound(of, name)),
    }) as Connection;
  },
}));

function bound(of: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(of, name, of);
  return typeof value === 'function' ? value.bind(of) : value;
}

it.each([
  ['redis', () => redis.server.url],
  ['redis+streams', () => streamsUrl(redis.server)],
])('on %s one end of each race is seen, by everyone', { timeout: 60_000 }, async (_, url) => {
  const { both, states } = await race(url(), [redisDriver, streamsDriver]);
  expect(both).toEqual([]);
  expect(states['SUCCESS']).toBeGreaterThan(20); // else nothing has met
  expect(states['REVOKED']).toBeGreaterThan(20);
});

it('and a store that lets the last word stand is found out', { timeout: 60_000 }, async () => {
  const { both } = await race(redis.server.url, forgetful);
  expect(both.length).toBeGreaterThan(0);
});
