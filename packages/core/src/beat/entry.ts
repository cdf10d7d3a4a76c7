import { z } from 'zod';
import type { ScheduleEntry } from '../driver/schedule-store.ts';
import type { JsonValue } from '../message/json.ts';
import { mostCatchUp, type ResolvedScheduleOptions, type Schedulable } from '../schedules/schedule.ts';
import { type ScheduleTime, shortestInterval } from '../schedules/schedule-time.ts';
import type { Slots } from './slots.ts';

const time = z.number().int().nonnegative();

const when = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('every'), every: z.number().int().min(shortestInterval) }),
  z.object({
    kind: z.literal('crontab'),
    pattern: z.string().min(1),
    tz: z.string().optional(),
    clockChange: z.literal('celery').optional(),
  }),
  z.object({ kind: z.literal('at'), at: time }),
]);

const options = z.object({
  catchUp: z.union([z.literal('skip'), z.literal('once'), z.object({ all: z.number().int().min(1).max(mostCatchUp) })]),
  overlap: z.enum(['skip', 'queue', 'allow']),
  jitter: z.number().nonnegative(),
  enabled: z.boolean(),
  start: time.optional(),
  end: time.optional(),
});

const definition = z.object({
  v: z.literal(1),
  app: z.string(),
  name: z.string(),
  source: z.enum(['code', 'api']),
  since: time,
  when,
  options,
  signature: z.record(z.string(), z.unknown()),
});

/** What is written in the schedule store about an entry. */
export interface EntryDefinition {
  readonly v: 1;
  readonly app: string;
  readonly name: string;
  /** Declared by code, or added at run time. */
  readonly source: 'code' | 'api';
  /** Slots up to this moment are not owed: when it was first seen, last changed its times, or was resumed. */
  readonly since: number;
  readonly when: ScheduleTime;
  readonly options: ResolvedScheduleOptions;
  /** The signature's JSON. */
  readonly signature: Readonly<Record<string, unknown>>;
}

/** An entry as the store has it. */
export interface StoredEntry {
  readonly definition: EntryDefinition;
  /** False while it is paused. */
  readonly enabled: boolean;
  readonly lastSlot: number | undefined;
}

/** An entry as beat fires it. */
export interface Entry extends StoredEntry {
  readonly name: string;
  readonly slots: Slots;
  readonly signature: Schedulable;
  /** False: declared by code that this process does not have; it is not fired here. */
  readonly known: boolean;
  /** Slots up to here were fired, or dropped for their overlap. */
  readonly decided: number;
}

/** The entry's name in the store, which apps may share. */
export function storeName(app: string, name: string): string {
  return `${encodeURIComponent(app)}/${name}`;
}

/** Where the last slot that was dropped for its overlap is kept; no entry has such a name, since `:` is encoded. */
export function decidedName(app: string, name: string): string {
  return `decided:${storeName(app, name)}`;
}

/** An entry read from the store; undefined for anything else that is there. */
export function readStored({ definition: given, enabled, lastSlot }: ScheduleEntry): StoredEntry | undefined {
  const parsed = definition.safeParse(given);
  if (!parsed.success) return undefined;
  return { definition: parsed.data as EntryDefinition, enabled, lastSlot };
}

/** An entry as the store takes it. */
export function toStored({ definition: given, enabled }: Omit<StoredEntry, 'lastSlot'>): ScheduleEntry {
  const plain: JsonValue = JSON.parse(JSON.stringify(given));
  return { name: storeName(given.app, given.name), definition: plain, enabled };
}

/** The task names in a signature's JSON, whatever canvas it is. */
export function tasksIn(json: unknown): readonly string[] {
  if (Array.isArray(json)) return json.flatMap(tasksIn);
  if (typeof json !== 'object' || json === null) return [];
  const { task, chain, group, chord, body, link, linkError } = json as Record<string, unknown>;
  const own = typeof task === 'string' ? [task] : [];
  return [...own, ...[chain, group, chord, body, link, linkError].flatMap(tasksIn)];
}
