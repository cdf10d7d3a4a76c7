import {
  at,
  crontab,
  every,
  type Lovage,
  type Schedulable,
  type ScheduleOptions,
  type ScheduleTime,
} from '@lovage/core';
import { Schedules, type ScheduleView } from '@lovage/core/beat';
import { noApp } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { codeOf, type ExitCode, usageError } from '../exit-code.ts';
import { parseArguments } from '../options/parse-arguments.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { formatTable } from '../output/table.ts';
import { withApp } from './with-app.ts';

/** What `lovage schedule` was given. */
export interface ScheduleArguments extends GlobalArguments {
  readonly action: string;
  readonly name?: string;
  readonly args?: readonly string[];
  readonly every?: string;
  readonly cron?: string;
  readonly at?: string;
  readonly tz?: string;
  readonly catchUp?: string;
  readonly overlap?: string;
  readonly jitter?: string;
  readonly start?: string;
  readonly end?: string;
  readonly replace?: boolean;
  readonly count?: string;
}

type Action = (schedules: Schedules, name: string, given: ScheduleArguments, app: Lovage) => Promise<void>;

const actions: Readonly<Record<string, Action>> = {
  show: async (schedules, name, given) => show(await schedules.show(name), given),
  next: async (schedules, name, given) => {
    const slots = await schedules.next(name, given.count === undefined ? 5 : Number(given.count));
    if (given.json) printJson(slots);
    else printData(slots.map((slot) => slot.toISOString()).join('\n'));
  },
  add: async (schedules, name, given, app) => {
    const when = readWhen(given);
    show(await schedules.add(name, when, signatureOf(app, given), optionsOf(given)), given);
  },
  pause: async (schedules, name) => {
    await schedules.pause(name);
    printNote(`paused ${name}: it stays so until: lovage schedule resume ${name}`);
  },
  resume: async (schedules, name) => {
    await schedules.resume(name);
    printNote(`resumed ${name}`);
  },
  run: async (schedules, name, given) => {
    const { id } = await schedules.run(name);
    if (given.json) printJson({ id });
    else printData(id);
  },
  remove: async (schedules, name) => {
    await schedules.remove(name);
    printNote(`removed ${name}`);
  },
};

/** Looks at periodic entries, or changes them. */
export async function schedule(given: ScheduleArguments): Promise<ExitCode> {
  const { action, name } = given;
  if (action !== 'list' && name === undefined)
    throw usageError(`schedule ${action}: which entry? lovage schedule list`);
  return withApp(given, async ({ app, location }) => {
    if (location === undefined) throw noApp();
    const schedules = new Schedules(app);
    if (action === 'list') printList(await schedules.list(), given);
    else await perform(schedules, name as string, given, app);
    return 0;
  });
}

/** A name that is not there is wrong usage, as the name of an unknown task is. */
async function perform(schedules: Schedules, name: string, given: ScheduleArguments, app: Lovage): Promise<void> {
  try {
    await actions[given.action]?.(schedules, name, given, app); // yargs knows the choices
  } catch (error) {
    if (codeOf(error) === 'SCHEDULE_UNKNOWN') throw usageError((error as Error).message, { cause: error });
    throw error;
  }
}

function printList(entries: readonly ScheduleView[], { json }: ScheduleArguments): void {
  if (json) return printJson(entries);
  if (entries.length === 0) return printNote('no schedules: declare one with app.schedule, or lovage schedule add');
  const rows = entries.map(({ name, state, whenText, tasks, lastSlot, nextSlot }) => [
    ...[name, state, whenText, tasks.join(', ')],
    ...[lastSlot?.toISOString() ?? '-', nextSlot?.toISOString() ?? '-'],
  ]);
  printData(formatTable(['name', 'state', 'when', 'tasks', 'last slot', 'next slot'], rows));
}

function show(entry: ScheduleView, { json }: ScheduleArguments): void {
  if (json) return printJson(entry);
  const { when: _, signature, tasks, ...fields } = entry;
  const shown = { ...fields, tasks: tasks.join(', '), signature: JSON.stringify(signature) };
  const lines = Object.entries(shown).filter(([, value]) => value !== undefined);
  printData(lines.map(([field, value]) => `${field}: ${textOf(value)}`).join('\n'));
}

function textOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function readWhen({ every: interval, cron, at: moment, tz }: ScheduleArguments): ScheduleTime {
  const given = [interval, cron, moment].filter((text) => text !== undefined);
  if (given.length !== 1) throw usageError('schedule add: give one of --every, --cron and --at');
  if (cron !== undefined) return crontab(cron, tz === undefined ? {} : { tz });
  if (tz !== undefined) throw usageError('schedule add: --tz is for --cron');
  return interval === undefined ? at(moment as string) : every(interval);
}

function signatureOf(app: Lovage, { args = [] }: ScheduleArguments): Schedulable {
  const [task, ...texts] = args;
  if (task === undefined) throw usageError('schedule add: name the task and its arguments after the entry');
  return app.signature({ task, args: parseArguments(texts), immutable: true }) as Schedulable;
}

function optionsOf({
  catchUp,
  overlap,
  jitter,
  start,
  end,
  replace = false,
}: ScheduleArguments): ScheduleOptions & { replace: boolean } {
  return {
    replace,
    ...(catchUp === undefined
      ? {}
      : { catchUp: (/^\d+$/.test(catchUp) ? { all: Number(catchUp) } : catchUp) as never }),
    ...(overlap === undefined ? {} : { overlap: overlap as never }), // core says what is allowed
    ...(jitter === undefined ? {} : { jitter }),
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  };
}
