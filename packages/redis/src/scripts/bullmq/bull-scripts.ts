// BullMQ's own scripts, with Lua of ours before or around them.
import type { RedisClient } from '../../connection.ts';
import type { Args, Command } from '../scripts.ts';
import { addJob } from './add-job.lua.ts';
import { despiteFull } from './despite-full.lua.ts';
import { completeWithOutcome, finishWithOutcome } from './finish-with-outcome.lua.ts';

/** Arguments of a script as BullMQ makes them: keys first, then values, some of them packed. */
export type RawArgs = readonly unknown[];
/** The keys and the arguments that {@link finishWithOutcome} adds to BullMQ's. */
export interface OutcomeArgs {
  readonly keys: readonly [lock: string, result: string];
  readonly args: Args;
}

/**
 * Runs BullMQ's `moveToFinished` with our beginning. `command` is the command that BullMQ has defined on this client.
 */
export function runFinishWithOutcome(
  client: RedisClient,
  command: string,
  bull: RawArgs,
  ours: OutcomeArgs,
): Promise<unknown> {
  const own = extend(client, { command, as: 'outcome', moreKeys: ours.keys.length, before: finishWithOutcome });
  const keys = bull.slice(0, own.bullKeys);
  const args = bull.slice(own.bullKeys);
  return own.run([...keys, ...ours.keys, ...args, ...ours.args]);
}

/** How a script of BullMQ's is called from Lua of ours. */
export interface BullCall {
  /** The keys that BullMQ gives it, without the prefix of the queue. */
  readonly keys: readonly string[];
  /** Whether it writes to the queue's event stream, which BullMQ's `QueueEvents` reads. */
  readonly events: boolean;
}

/** Completes a job with its outcome: see {@link completeWithOutcome}. */
export type Complete = (keys: readonly [lock: string, result: string], args: Args) => Promise<unknown>;

/** {@link Complete} on this client. */
export function completion(client: RedisClient, command: string, script: BullCall): Complete {
  const run = around(client, command, script, (bull) => ({
    numberOfKeys: 2,
    lua: completeWithOutcome(script.keys, bull),
  }));
  return ([lock, result], args) => run.call(client, lock, result, ...args);
}

/** Adds a job: see {@link addJob}. */
export type Add = (job: string, args: Args) => Promise<unknown>;

/** {@link Add} on this client. */
export function addition(client: RedisClient, command: string, script: BullCall): Add {
  const run = around(client, command, script, (bull) => ({ numberOfKeys: 1, lua: addJob(script.keys, bull) }));
  return (job, args) => run.call(client, job, ...args);
}

/** Lua of ours around a script of BullMQ's. */
function around(
  client: RedisClient,
  command: string,
  { events }: BullCall,
  wrap: (bull: string) => BullScript,
): Command {
  const commands = definedOn(client);
  const own = `lovage:around:${events ? 'events:' : ''}${command}`;
  if (!commands[own]) {
    const { lua } = bullScript(client, command);
    client.defineCommand(own, wrap(events ? lua : withoutEvents(lua)));
  }
  return commands[own] as Command;
}

/**
 * A script of BullMQ's that tells its event stream nothing. What it would write is still made, and handed to a function that does
 * nothing: whatever the text around the calls is, it stays as right as it was.
 */
function withoutEvents(bull: string): string {
  const silent = bull
    .replace(/\b(?:rcall|redis\.call)\(\s*"X(?:ADD|TRIM)",/g, 'unheard(')
    .replace('local function getOrSetMaxEvents(', 'local function unheardBound('); // read for nothing else
  return `local function unheard() end
local function getOrSetMaxEvents() end
${silent}`;
}

/** Runs a script of BullMQ's although Redis is full. */
export function runDespiteFull(client: RedisClient, command: string, bull: RawArgs): Promise<unknown> {
  return extend(client, { command, as: 'full', moreKeys: 0, before: () => despiteFull }).run(bull);
}

interface Extension {
  readonly command: string;
  readonly as: string;
  readonly moreKeys: number;
  readonly before: (bullKeys: number) => string;
}

/** A command of BullMQ's with our Lua before it. Its text is taken from the client: always that of the installed BullMQ. */
function extend(client: RedisClient, { command, as, moreKeys, before }: Extension): Extended {
  const commands = definedOn(client);
  const bull = bullScript(client, command);
  const own = `lovage:${as}:${command}`;
  if (!commands[own]) {
    client.defineCommand(own, {
      numberOfKeys: bull.numberOfKeys + moreKeys,
      lua: before(bull.numberOfKeys) + bull.lua,
    });
  }
  const run = commands[own] as Command;
  return { run: (args) => run.call(client, ...(args as Args)), bullKeys: bull.numberOfKeys };
}

/** How many keys a script of BullMQ's takes. */
export function keysOf(client: RedisClient, command: string): number {
  return bullScript(client, command).numberOfKeys;
}

function bullScript(client: RedisClient, command: string): BullScript {
  const bull = definedOn(client).scriptsSet[command];
  if (!bull) throw new Error(`BullMQ has not defined its script ${command}`);
  return bull;
}

type Defined = Record<string, Command> & { readonly scriptsSet: Record<string, BullScript | undefined> };

function definedOn(client: RedisClient): Defined {
  return client as unknown as Defined; // defineCommand's methods and texts are not in ioredis's types
}

interface Extended {
  readonly run: (args: RawArgs) => Promise<unknown>;
  readonly bullKeys: number;
}

interface BullScript {
  readonly lua: string;
  readonly numberOfKeys: number;
}
