import {
  createReservingLimiter,
  type JsonValue,
  type LeaseStore,
  type RateLimiter,
  type ScheduleEntry,
  type ScheduleStore,
} from '@lovage/core/driver';
import type { StartCounter } from '../worker/held-task.ts';
import type { RedisLink } from './connection.ts';
import type { Keys } from './keys.ts';
import { scriptsOf } from './scripts.ts';

/** Leases as keys with an expiry, and a counter for the fencing tokens. */
export function createLeases(link: RedisLink, keys: Keys): LeaseStore {
  const ask = (what: string, name: string, rest: readonly (string | number)[]): Promise<number> =>
    link.run((client) =>
      scriptsOf(client).lease([keys.own('lease', name), keys.own('fence', name)], [what, ...rest]),
    ) as Promise<number>;
  const whole = (ttl: number): number => Math.max(1, Math.floor(ttl));
  return {
    async acquire(name, owner, ttl) {
      const token = await ask('acquire', name, [owner, whole(ttl)]);
      return token === 0 ? undefined : { token };
    },
    renew: async (name, owner, ttl) => (await ask('renew', name, [owner, whole(ttl)])) === 1,
    release: async (name, owner) => (await ask('release', name, [owner, 0])) === 1,
  };
}

/** Periodic entries in two hashes: what they are, and the last slot each fired. */
export function createSchedules(link: RedisLink, keys: Keys): ScheduleStore {
  const hashes = [keys.own('schedules'), keys.own('schedule-slots')] as const;
  return {
    async list() {
      const [definitions, slots] = await link.run((client) =>
        Promise.all([client.hgetall(hashes[0]), client.hgetall(hashes[1])]),
      );
      return Object.entries(definitions).flatMap(([name, text]) => readEntry(name, text, slots[name]) ?? []);
    },
    async save({ name, definition, enabled, lastSlot }) {
      const text = JSON.stringify({ definition, enabled });
      await link.run((client) => scriptsOf(client).markFired(hashes, [name, lastSlot ?? '', text]));
    },
    markFired: async (name, slot) =>
      (await link.runOnce((client) => scriptsOf(client).markFired(hashes, [name, slot, '']))) === 1,
    async remove(name) {
      const [removed] = await link.run((client) => Promise.all(hashes.map((key) => client.hdel(key, name))));
      return removed === 1;
    },
  };
}

function readEntry(name: string, text: string, slot: string | undefined): ScheduleEntry | undefined {
  try {
    const { definition, enabled } = JSON.parse(text) as { definition?: JsonValue; enabled?: unknown };
    if (definition === undefined) return undefined;
    return { name, definition, enabled: enabled === true, ...(slot === undefined ? {} : { lastSlot: Number(slot) }) };
  } catch {
    return undefined; // foreign bytes are passed over
  }
}

/** Rate limits over all workers of ours: Celery's own are each worker's. */
export function createRateLimiter(link: RedisLink, keys: Keys): RateLimiter {
  return createReservingLimiter(async (name, interval) => {
    const micros = Math.max(0, Math.round(interval * 1_000));
    const away = await link.runOnce((client) => scriptsOf(client).reserve([keys.own('rate', name)], [micros]));
    return Math.ceil(Number(away) / 1_000);
  });
}

const startsTtl = 86_400;

/** How often deliveries that follow a lost worker were begun. */
export function createStarts(link: RedisLink, keys: Keys): StartCounter {
  return {
    async record(id) {
      const key = keys.own('starts', id);
      const reply = await link.runOnce((client) => client.multi().incr(key).expire(key, startsTtl).exec());
      return Number(reply?.[0]?.[1] ?? 1) - 1;
    },
    async undo(id) {
      await link.run((client) => client.decr(keys.own('starts', id)));
    },
  };
}
