import { type AsyncResult, type CallOptions, type Lovage, type OutcomeRecord, ResultTimeoutError } from '@lovage/core';
import { closestName } from '@lovage/core/driver';
import { explainTaskWait, Inspector, registeredTasks } from '@lovage/core/inspect';
import { startWorker } from '@lovage/core/worker';
import { isInProcess, noApp, type OpenedApp, openApp, textSetting } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { type ExitCode, usageError } from '../exit-code.ts';
import { parseArguments, parseJsonArguments } from '../options/parse-arguments.ts';
import { readDuration } from '../options/read-duration.ts';
import { followProgress } from '../output/follow-progress.ts';
import { paint } from '../output/paint.ts';
import { askedLevel, createCommandLogger } from '../output/plain-logger.ts';
import { printData, printJson, printLine, printNote } from '../output/print.ts';
import { formatFailure, printRecordJson, printValue } from '../output/print-record.ts';
import { checkBroker, closeSoon } from './with-app.ts';

/** What `lovage call` was given. */
export interface CallArguments extends GlobalArguments {
  readonly task: string;
  readonly args?: readonly string[];
  /** What stands after `--`, behind the command's own name. */
  readonly _?: readonly (string | number)[];
  readonly jsonArgs?: boolean;
  readonly timeout?: string;
  readonly noWait?: boolean;
  readonly progress?: boolean;
  readonly queue?: string;
  readonly priority?: string;
  readonly countdown?: string;
  readonly eta?: string;
  readonly expires?: string;
  readonly taskId?: string;
  readonly maxRetries?: string;
}

/** A call that has been read and may be sent. */
interface Call {
  readonly task: string;
  readonly args: readonly unknown[];
  readonly options: CallOptions;
  readonly timeout: number | undefined;
  readonly given: CallArguments;
}

/** How long to wait in silence before saying what is waited for. */
const silence = 5_000;

/** Sends a call and prints its value; on `memory://` a worker in this process runs it. */
export async function callTask(given: CallArguments): Promise<ExitCode> {
  const call = readCall(given);
  const logger = createCommandLogger(given.verbose);
  const opened = await openApp(given, { logger });
  try {
    checkCall(call, opened);
    if (!isInProcess(opened.settings)) return await callBroker(call, opened);
    // What the worker has to say of a failed task is about to be told as the call's own answer.
    logger.setLevel(askedLevel(given.verbose) ?? 'silent');
    return await callHere(call, opened);
  } finally {
    await closeSoon(opened.app);
  }
}

/** Everything that can be wrong with the command line alone is told before anything is opened. */
function readCall(given: CallArguments): Call {
  const timeout = readDuration(given.timeout, '--timeout');
  const texts = [...(given.args ?? []), ...(given._ ?? []).slice(1).map(String)];
  return {
    task: given.task,
    args: given.jsonArgs ? parseJsonArguments(texts) : parseArguments(texts),
    options: { ...readOptions(given), ...(timeout === undefined || given.noWait ? {} : { deadline: timeout }) },
    timeout,
    given,
  };
}

function readOptions({
  queue,
  priority,
  countdown,
  eta,
  expires,
  taskId,
  maxRetries,
  noWait,
}: CallArguments): CallOptions {
  const options = {
    queue,
    priority: readCount(priority, '--priority'),
    countdown: readDuration(countdown, '--countdown'),
    eta,
    expires: expires !== undefined && /^\d+\w*$/.test(expires) ? readDuration(expires, '--expires') : expires,
    taskId,
    maxRetries: maxRetries === 'none' ? null : readCount(maxRetries, '--max-retries'),
    // Whoever waits wants the value, also of a task that usually keeps none.
    ignoreResult: noWait ? undefined : false,
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function readCount(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw usageError(`${flag}: expected a whole number, received "${text}"`);
}

function checkCall({ task, given }: Call, { app, location, settings }: OpenedApp): void {
  if (location !== undefined) checkName(task, registeredTasks(app));
  if (!given.noWait && textSetting(settings, 'backend') === 'none') {
    throw usageError("the app keeps no results (backend 'none'): call with --no-wait");
  }
  if (!isInProcess(settings)) return;
  if (location === undefined) throw noApp();
  if (given.noWait) throw usageError('--no-wait on memory:// would lose the task: it lives in this process only');
}

function checkName(task: string, names: readonly string[]): void {
  if (names.includes(task)) return;
  const closest = closestName(task, names);
  const hint = closest
    ? `did you mean "${closest}"?`
    : names.length > 0
      ? `the app has ${names.join(', ')}`
      : "the app has none: if they are in other modules, name those in the app's option include";
  throw usageError(`unknown task "${task}": ${hint}`);
}

async function callBroker(call: Call, opened: OpenedApp): Promise<ExitCode> {
  await checkBroker(opened);
  const result = await opened.app.sendTask(call.task, call.args, call.options);
  if (!call.given.noWait) return report(await waitAloud(opened.app, result, call), call.given);
  if (call.given.json) printJson({ id: result.id, state: 'SENT' });
  else printData(result.id);
  return 0;
}

/** The worker consumes the app's own queues, and whichever one the call was routed to. */
async function callHere(call: Call, { app }: OpenedApp): Promise<ExitCode> {
  const worker = await startWorker(app, { name: 'call', onBlockedLimit: 'exit' });
  const { tasks, queues } = worker.report();
  if (!tasks.includes(call.task)) {
    throw usageError(`task "${call.task}" has no handler in this app, and on memory:// no other process can run it`);
  }
  printNote('memory://: the task runs in this process');
  const result = await app.sendTask(call.task, call.args, call.options);
  for (const { queue } of await new Inspector(app).queues()) {
    if (!queues.includes(queue)) await worker.addQueue(queue);
  }
  const record = await waitAloud(app, result, call).finally(() => worker.close({ drain: 0 }));
  return report(record, call.given);
}

/** The final record; someone who waits for long is told for what. */
async function waitAloud(app: Lovage, result: AsyncResult, { timeout, given }: Call): Promise<OutcomeRecord> {
  const progress = given.progress ? followProgress(result) : undefined;
  const tell = (): void => {
    Promise.all([result.state(), explainTaskWait(app, result.id)]).then(
      ([state, why = 'no worker has taken it yet']) =>
        printNote(`waiting for task ${result.id} (${state}${state === 'SENT' ? `: ${why}` : ''})`),
      () => {}, // a remark that cannot be made; the wait itself reports trouble
    );
  };
  const timer = setTimeout(tell, silence);
  try {
    const record = await result
      .wait(timeout === undefined ? {} : { timeout })
      .catch((error: unknown) => explain(app, error));
    await progress?.shown; // what was said last
    if (timeout === undefined || !isStopped(record)) return record;
    throw new ResultTimeoutError(result.id, timeout, ' (its deadline: it was aborted)');
  } finally {
    clearTimeout(timer);
    progress?.stop();
  }
}

/** Someone who waited in vain is told for what. */
async function explain(app: Lovage, error: unknown): Promise<never> {
  const id = error instanceof ResultTimeoutError ? error.taskId : undefined;
  const why = id === undefined ? undefined : await explainTaskWait(app, id);
  throw why === undefined ? error : (error as ResultTimeoutError).because(why);
}

/** Whether its deadline ended a task: its worker was a moment quicker than the wait, which is the same to whoever called. */
function isStopped(record: OutcomeRecord): boolean {
  let failure = record.state === 'FAILURE' ? record.failure : undefined;
  while (failure && !(failure.name === 'DeadlineExceeded' && failure.data?.taskId === record.id))
    failure = failure.cause;
  return failure !== undefined;
}

function report(record: OutcomeRecord, { json, verbose = false }: CallArguments): ExitCode {
  if (json) printRecordJson(record);
  if (record.state === 'SUCCESS') {
    if (!json) printValue(record.value);
    return 0;
  }
  printLine(`${paint('red', 'error:')} ${formatFailure(record, verbose, process.stderr)}`);
  return 1;
}
