import type { RedisClient } from '../connection.ts';
import { joinMember } from './join-member.lua.ts';
import { acquireLease, keepLease } from './lease.lua.ts';
import { locateJobs } from './locate-jobs.lua.ts';
import { parkDead } from './park-dead.lua.ts';
import { markFired, saveSchedule } from './schedule.lua.ts';
import { storeOutcome } from './store-outcome.lua.ts';
import { storeRecord } from './store-record.lua.ts';

/** Our scripts on one client: the only way to call them. Each sends EVALSHA, and the text when Redis does not know it. */
export interface Scripts {
  storeRecord(keys: [result: string], args: Args): Promise<number>;
  storeOutcome(keys: [lock: string, result: string], args: Args): Promise<number>;
  parkDead(keys: [lock: string, job: string, dead: string], args: Args): Promise<number>;
  joinMember(keys: [ended: string, failed: string], args: Args): Promise<[ended: number, failed: number]>;
  acquireLease(keys: [owner: string, fence: string], args: Args): Promise<number>;
  keepLease(keys: [owner: string], args: Args): Promise<number>;
  saveSchedule(keys: [definitions: string, slots: string], args: Args): Promise<number>;
  markFired(keys: [definitions: string, slots: string], args: Args): Promise<number>;
  locateJobs(
    keys: [delayed: string, prioritized: string, active: string, failed: string, completed: string],
    args: Args,
  ): Promise<string>;
}

type Args = readonly (string | number)[];

const sources: Readonly<Record<keyof Scripts, { readonly keys: number; readonly lua: string }>> = {
  storeRecord: { keys: 1, lua: storeRecord },
  storeOutcome: { keys: 2, lua: storeOutcome },
  parkDead: { keys: 3, lua: parkDead },
  joinMember: { keys: 2, lua: joinMember },
  acquireLease: { keys: 2, lua: acquireLease },
  keepLease: { keys: 1, lua: keepLease },
  saveSchedule: { keys: 2, lua: saveSchedule },
  markFired: { keys: 2, lua: markFired },
  locateJobs: { keys: 5, lua: locateJobs },
};

const known = new WeakMap<RedisClient, Scripts>();

/** Our scripts on this client. */
export function scriptsOf(client: RedisClient): Scripts {
  const scripts = known.get(client) ?? define(client);
  known.set(client, scripts);
  return scripts;
}

type Command = (...args: readonly (string | number)[]) => Promise<unknown>;

function define(client: RedisClient): Scripts {
  const scripts: Record<string, (keys: readonly string[], args: Args) => Promise<unknown>> = {};
  for (const [name, { keys, lua }] of Object.entries(sources)) {
    const command = `lovage:${name}`;
    client.defineCommand(command, { numberOfKeys: keys, lua });
    // defineCommand adds a method of that name, which ioredis's types cannot know
    const call = (client as unknown as Record<string, Command>)[command] as Command;
    scripts[name] = (keyNames, args) => call.call(client, ...keyNames, ...args);
  }
  return scripts as unknown as Scripts; // one entry per key of `sources`, which has exactly the keys of Scripts
}
