import type { Lovage } from '@lovage/core';
import { compilePattern } from '@lovage/core/driver';
import type { GlobalArguments } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { splitList } from '../options/fleet-options.ts';
import { readCount } from '../options/read-count.ts';
import { compileTagFilter } from '../options/tag-filter.ts';
import { type EventFields, formatEvent } from '../output/event-line.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { untilSignal } from '../signal-watch.ts';
import { withApp } from './with-app.ts';

/** What `lovage events` was given. */
export interface EventsArguments extends GlobalArguments {
  readonly type?: string | readonly string[];
  readonly count?: string;
  readonly enable?: boolean;
  readonly task?: string;
  readonly queue?: string;
  readonly worker?: string;
  readonly id?: string;
  readonly tag?: string;
}

/** Whether an event is meant. An event of a worker has no task: a filter for tasks leaves it out. */
function compileFilter({ task, queue, worker, id, tag }: EventsArguments): (event: EventFields) => boolean {
  const fitsTask = task === undefined ? undefined : compilePattern(task);
  const fitsTags = compileTagFilter(tag);
  return (event) =>
    (fitsTask === undefined || (event.task !== undefined && fitsTask(String(event.task)))) &&
    fitsTags(event['tags']) &&
    (queue === undefined || event['queue'] === queue) &&
    (worker === undefined || event['worker'] === worker) &&
    (id === undefined || event['id'] === id || event['rootId'] === id);
}

/** Prints events as they come, until a signal or until there were so many. */
export async function showEvents(given: EventsArguments): Promise<ExitCode> {
  const most = given.count === undefined ? Number.POSITIVE_INFINITY : readCount(given.count, '--count');
  const asked = splitList(given.type);
  const types = asked ?? ['*'];
  return withApp(given, async ({ app }) => {
    const keepAlive = setInterval(() => {}, 2 ** 30); // memory:// has no socket that would
    try {
      await Promise.race([listen(app, { types, most, given, heartbeats: asked !== undefined }), untilSignal()]);
    } finally {
      clearInterval(keepAlive);
    }
    return 0;
  });
}

interface Listening {
  readonly types: readonly string[];
  readonly most: number;
  readonly given: EventsArguments;
  /** Whether the heartbeats of workers are printed: only where they were asked for by their type. */
  readonly heartbeats: boolean;
}

/** Resolves after the last event that was asked for. */
async function listen(app: Lovage, { types, most, given, heartbeats }: Listening): Promise<void> {
  const fits = compileFilter(given);
  let left = most;
  let finish = (): void => {};
  const enough = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const hear = (event: EventFields): void => {
    if (left <= 0 || !fits(event) || (event.type === 'worker.heartbeat' && !heartbeats)) return;
    left -= 1;
    if (given.json) printJson(event);
    else printData(formatEvent(event));
    if (left === 0) finish();
  };
  for (const type of types) await app.events.on(type as '*', (event) => hear(event as unknown as EventFields)); // core checks it
  printNote(
    given.enable ? 'listening' : 'listening; workers send events with -E, or after lovage control enable-events',
  );
  if (given.enable) await enable(app);
  await enough;
}

/** They stay on: others may be listening by the time this ends. */
async function enable(app: Lovage): Promise<void> {
  const answers = Object.values(await app.control.enableEvents());
  const on = answers.filter((answer) => typeof answer === 'string').length;
  printNote(`events are on at ${on} ${on === 1 ? 'worker' : 'workers'}; off again with lovage control disable-events`);
}
