import type { RedisClient } from '../connection.ts';
import { claimQueue } from './bullmq/claim-queue.lua.ts';
import { locateJobs } from './bullmq/locate-jobs.lua.ts';
import { parkDead } from './bullmq/park-dead.lua.ts';
import { promoteJobs } from './bullmq/promote-jobs.lua.ts';
import { removeJobs } from './bullmq/remove-jobs.lua.ts';
import { renewHeldEntries, renewHeldJobs } from './bullmq/renew-held.lua.ts';
import {
  historyAppend,
  historyExpire,
  historyFail,
  historyForget,
  historyMinutes,
  historyRemove,
} from './history.lua.ts';
import { noteEnded, shortenEnded, sweepEnded, takeTurn } from './shared/ended.lua.ts';
import { handOverEntries, handOverJobs } from './shared/hand-over.lua.ts';
import { joinMember, joinWithOutcomes } from './shared/join-member.lua.ts';
import { acquireLease, keepLease } from './shared/lease.lua.ts';
import { rateDrop, rateEnter, rateWake } from './shared/rate-line.lua.ts';
import { recordStart } from './shared/record-start.lua.ts';
import { addRules, readRules, removeRules } from './shared/rules.lua.ts';
import { markFired, saveSchedule } from './shared/schedule.lua.ts';
import {
  semaphoreAcquire,
  semaphoreHalt,
  semaphoreHas,
  semaphoreOverdue,
  semaphoreRelease,
  semaphoreWaitingList,
} from './shared/semaphore.lua.ts';
import { putEntry } from './shared/shared-registry.lua.ts';
import { reopenRecord, storeRecord } from './shared/store-record.lua.ts';
import { acquireUniqueKey, confirmUniqueKey, releaseUniqueKey } from './shared/unique-key.lua.ts';
import { publishFrom } from './streams/publish-from.lua.ts';
import { streamBusy } from './streams/queue-signal.lua.ts';
import { streamAck, streamAckMembers } from './streams/stream-ack.lua.ts';
import { streamUnblock } from './streams/stream-admit.lua.ts';
import { streamDrop, streamFetch } from './streams/stream-fetch.lua.ts';
import { streamCounts, streamLocate, streamOldest, streamPurge, streamRemove } from './streams/stream-inspect.lua.ts';
import {
  streamLeave,
  streamOpen,
  streamPromote,
  streamRegister,
  streamSweep,
} from './streams/stream-maintenance.lua.ts';
import { streamPause } from './streams/stream-pause.lua.ts';
import { streamPublish, streamPublishAt } from './streams/stream-publish.lua.ts';
import { streamPark, streamPutBack } from './streams/stream-settle.lua.ts';
import { workflowAppend, workflowDeliver, workflowTake } from './workflow.lua.ts';

/** A script's reply about a run: fence, deliveries lost in a row, header, log and inbox. */
export type TakeReply = readonly [
  fence: number,
  lost: number,
  header: string[],
  log: string[],
  inbox: readonly (readonly [at: string, fields: string[]])[],
];

/** What acks came to: see stream-ack. */
export type AckReply = readonly [stale: number[], failed: number[], problem: string, open: number[]];

/** Our scripts on one client: the only way to call them. Each sends EVALSHA, and the text when Redis does not know it. */
export interface Scripts {
  storeRecord(keys: [result: string], args: Args): Promise<number>;
  reopenRecord(keys: [result: string], args: Args): Promise<number>;
  publishFrom(keys: [master: string], args: Args): Promise<number>;
  claimQueue(keys: [meta: string, counter: string, wait: string], args: Args): Promise<number>;
  parkDead(keys: [lock: string, job: string, dead: string], args: Args): Promise<number>;
  joinMember(
    keys: [ended: string, failed: string, size: string],
    args: Args,
  ): Promise<[ended: number, failed: number, complete: number]>;
  joinWithOutcomes(
    keys: readonly string[],
    args: Args,
  ): Promise<readonly [ended: number, failed: number, complete: number][]>;
  noteEnded(keys: [list: string, totals: string], args: Args): Promise<number>;
  historyAppend(keys: [base: string], args: Args): Promise<number>;
  historyExpire(keys: [base: string], args: Args): Promise<number>;
  historyMinutes(keys: [base: string], args: Args): Promise<number>;
  historyFail(keys: [base: string], args: Args): Promise<number>;
  historyRemove(keys: [base: string], args: Args): Promise<string>;
  historyForget(keys: [base: string], args: Args): Promise<number>;
  takeTurn(keys: [lock: string], args: Args): Promise<number>;
  shortenEnded(keys: [list: string, totals: string], args: Args): Promise<number>;
  sweepEnded(keys: [list: string, totals: string], args: Args): Promise<[count: number, bytes: number, more: number]>;
  acquireLease(keys: [owner: string, fence: string], args: Args): Promise<number>;
  keepLease(keys: [owner: string], args: Args): Promise<number>;
  acquireUniqueKey(
    keys: [claim: string],
    args: Args,
  ): Promise<
    [id: string, queue: string, published: string, age: number, since: number, before: string, place: string] | null
  >;
  confirmUniqueKey(keys: [claim: string], args: Args): Promise<string | null>;
  releaseUniqueKey(keys: [claim: string], args: Args): Promise<number>;
  workflowTake(keys: [run: string, log: string, inbox: string], args: Args): Promise<TakeReply>;
  workflowAppend(keys: readonly string[], args: Args): Promise<number[]>;
  workflowDeliver(
    keys: [run: string, log: string, inbox: string],
    args: Args,
  ): Promise<[status: string, state: string, fence: string, host: string, queue: string]>;
  saveSchedule(keys: [definitions: string, slots: string, version: string], args: Args): Promise<number>;
  markFired(keys: [definitions: string, slots: string], args: Args): Promise<number>;
  readRules(keys: [rules: string], args: Args): Promise<string[]>;
  addRules(keys: [rules: string], args: Args): Promise<number>;
  removeRules(keys: [rules: string], args: Args): Promise<number>;
  recordStart(keys: [starts: string], args: Args): Promise<number>;
  putEntry(keys: [namespace: string], args: Args): Promise<number>;
  renewHeldJobs(keys: [active: string], args: Args): Promise<number>;
  renewHeldEntries(keys: [queue: string], args: Args): Promise<number>;
  rateEnter(keys: [limit: string], args: Args): Promise<(string | number)[]>;
  rateWake(keys: [limit: string], args: Args): Promise<(string | number)[]>;
  rateDrop(keys: [limit: string], args: Args): Promise<number>;
  removeJobs(keys: [delayed: string, prioritized: string, wait: string, events: string], args: Args): Promise<string>;
  locateJobs(
    keys: [delayed: string, prioritized: string, active: string, failed: string, completed: string],
    args: Args,
  ): Promise<string>;
  semaphoreAcquire(keys: [base: string], args: Args): Promise<[fences: number[], acquired: string[]]>;
  semaphoreRelease(keys: [base: string], args: Args): Promise<string[]>;
  semaphoreHalt(keys: [base: string], args: Args): Promise<number>;
  semaphoreOverdue(keys: [base: string], args: Args): Promise<(string | number)[] | null>;
  semaphoreHas(keys: [base: string], args: Args): Promise<string>;
  semaphoreWaitingList(keys: [base: string], args: Args): Promise<string[]>;
  handOverJobs(keys: [base: string, queues: string], args: Args): Promise<string[]>;
  handOverEntries(keys: [base: string, queues: string], args: Args): Promise<string[]>;
  promoteJobs(keys: [queue: string], args: Args): Promise<string>;
  streamUnblock(keys: [queue: string], args: Args): Promise<string>;
  streamPublish(keys: [queue: string], args: Args): Promise<number>;
  streamPublishAt(keys: [queue: string], args: Args): Promise<number>;
  streamFetch(
    queues: readonly string[],
    args: Args,
  ): Promise<[found: unknown[], missing: number[], paused: number[], empty: number[]]>;
  streamDrop(keys: [stream: string, queue: string], args: Args): Promise<[dropped: number[], paused: number]>;
  streamPause(keys: [queue: string], args: Args): Promise<number>;
  streamAck(keys: [stream: string, known: string], args: Args): Promise<AckReply>;
  streamAckMembers(keys: readonly string[], args: Args): Promise<AckReply>;
  streamPutBack(keys: [stream: string, queue: string], args: Args): Promise<number>;
  streamPark(keys: [stream: string, dead: string], args: Args): Promise<number>;
  streamOpen(keys: [queue: string], args: Args): Promise<number>;
  streamRegister(keys: [queues: string], args: Args): Promise<number>;
  streamPromote(keys: [queue: string], args: Args): Promise<number>;
  streamSweep(keys: [queue: string], args: Args): Promise<number>;
  streamLeave(keys: [queue: string], args: Args): Promise<number>;
  streamCounts(
    keys: [queue: string, dead: string],
    args: Args,
  ): Promise<[waiting: number, delayed: number, running: number, dead: number, held: number, paused: number]>;
  streamBusy(keys: readonly string[], args: Args): Promise<number[]>;
  streamOldest(keys: [queue: string], args: Args): Promise<number>;
  streamLocate(keys: [queue: string], args: Args): Promise<string>;
  streamRemove(keys: [queue: string], args: Args): Promise<string>;
  streamPurge(keys: [queue: string], args: Args): Promise<[found: number, ids: string[]]>;
}

/** What a script is given beside its keys. */
export type Args = readonly (string | number)[];

/** `keys` is absent where a script takes any number of them. */
const sources: Readonly<Record<keyof Scripts, { readonly keys?: number; readonly lua: string }>> = {
  storeRecord: { keys: 1, lua: storeRecord },
  reopenRecord: { keys: 1, lua: reopenRecord },
  publishFrom: { keys: 1, lua: publishFrom },
  claimQueue: { keys: 3, lua: claimQueue },
  parkDead: { keys: 3, lua: parkDead },
  joinMember: { keys: 3, lua: joinMember },
  joinWithOutcomes: { lua: joinWithOutcomes },
  noteEnded: { keys: 2, lua: noteEnded },
  historyAppend: { keys: 1, lua: historyAppend },
  historyExpire: { keys: 1, lua: historyExpire },
  historyMinutes: { keys: 1, lua: historyMinutes },
  historyFail: { keys: 1, lua: historyFail },
  historyRemove: { keys: 1, lua: historyRemove },
  historyForget: { keys: 1, lua: historyForget },
  takeTurn: { keys: 1, lua: takeTurn },
  shortenEnded: { keys: 2, lua: shortenEnded },
  sweepEnded: { keys: 2, lua: sweepEnded },
  acquireLease: { keys: 2, lua: acquireLease },
  keepLease: { keys: 1, lua: keepLease },
  acquireUniqueKey: { keys: 1, lua: acquireUniqueKey },
  confirmUniqueKey: { keys: 1, lua: confirmUniqueKey },
  releaseUniqueKey: { keys: 1, lua: releaseUniqueKey },
  workflowTake: { keys: 3, lua: workflowTake },
  workflowAppend: { lua: workflowAppend },
  workflowDeliver: { keys: 3, lua: workflowDeliver },
  saveSchedule: { keys: 3, lua: saveSchedule },
  markFired: { keys: 2, lua: markFired },
  readRules: { keys: 1, lua: readRules },
  addRules: { keys: 1, lua: addRules },
  removeRules: { keys: 1, lua: removeRules },
  recordStart: { keys: 1, lua: recordStart },
  putEntry: { keys: 1, lua: putEntry },
  renewHeldJobs: { keys: 1, lua: renewHeldJobs },
  renewHeldEntries: { keys: 1, lua: renewHeldEntries },
  rateEnter: { keys: 1, lua: rateEnter },
  rateWake: { keys: 1, lua: rateWake },
  rateDrop: { keys: 1, lua: rateDrop },
  removeJobs: { keys: 4, lua: removeJobs },
  locateJobs: { keys: 5, lua: locateJobs },
  semaphoreAcquire: { keys: 1, lua: semaphoreAcquire },
  semaphoreRelease: { keys: 1, lua: semaphoreRelease },
  semaphoreHalt: { keys: 1, lua: semaphoreHalt },
  semaphoreOverdue: { keys: 1, lua: semaphoreOverdue },
  semaphoreHas: { keys: 1, lua: semaphoreHas },
  semaphoreWaitingList: { keys: 1, lua: semaphoreWaitingList },
  handOverJobs: { keys: 2, lua: handOverJobs },
  handOverEntries: { keys: 2, lua: handOverEntries },
  promoteJobs: { keys: 1, lua: promoteJobs },
  streamUnblock: { keys: 1, lua: streamUnblock },
  streamPublish: { keys: 1, lua: streamPublish },
  streamPublishAt: { keys: 1, lua: streamPublishAt },
  streamFetch: { lua: streamFetch },
  streamDrop: { keys: 2, lua: streamDrop },
  streamPause: { keys: 1, lua: streamPause },
  streamAck: { keys: 2, lua: streamAck },
  streamAckMembers: { lua: streamAckMembers },
  streamPutBack: { keys: 2, lua: streamPutBack },
  streamPark: { keys: 2, lua: streamPark },
  streamOpen: { keys: 1, lua: streamOpen },
  streamRegister: { keys: 1, lua: streamRegister },
  streamPromote: { keys: 1, lua: streamPromote },
  streamSweep: { keys: 1, lua: streamSweep },
  streamLeave: { keys: 1, lua: streamLeave },
  streamCounts: { keys: 2, lua: streamCounts },
  streamBusy: { lua: streamBusy },
  streamOldest: { keys: 1, lua: streamOldest },
  streamLocate: { keys: 1, lua: streamLocate },
  streamRemove: { keys: 1, lua: streamRemove },
  streamPurge: { keys: 1, lua: streamPurge },
};

const known = new WeakMap<RedisClient, Scripts>();

/** Our scripts on this client. */
export function scriptsOf(client: RedisClient): Scripts {
  const scripts = known.get(client) ?? define(client);
  known.set(client, scripts);
  return scripts;
}

/** A command that `defineCommand` has added to a client. */
export type Command = (...args: readonly (string | number)[]) => Promise<unknown>;

function define(client: RedisClient): Scripts {
  const scripts: Record<string, (keys: readonly string[], args: Args) => Promise<unknown>> = {};
  for (const [name, { keys, lua }] of Object.entries(sources)) {
    const command = `lovage:${name}`;
    client.defineCommand(command, keys === undefined ? { lua } : { numberOfKeys: keys, lua });
    // defineCommand adds a method of that name, which ioredis's types cannot know
    const call = (client as unknown as Record<string, Command>)[command] as Command;
    scripts[name] =
      keys === undefined
        ? (keyNames, args) => call.call(client, keyNames.length, ...keyNames, ...args)
        : (keyNames, args) => call.call(client, ...keyNames, ...args);
  }
  return scripts as unknown as Scripts; // one entry per key of `sources`, which has exactly the keys of Scripts
}
