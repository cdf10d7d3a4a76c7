import { setTimeout as sleep } from 'node:timers/promises';
import type { AsyncResult, OutcomeRecord } from '@lovage/core';
import { type OpenedApp, textSetting } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { CommandError, codeOf, type ExitCode } from '../exit-code.ts';
import { readDuration } from '../options/read-duration.ts';
import { followProgress } from '../output/follow-progress.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { formatFailure, printRecordJson, printValue } from '../output/print-record.ts';
import { withApp, within } from './with-app.ts';

/** What `lovage result` was given. */
export interface ResultArguments extends GlobalArguments {
  readonly id: string;
  readonly wait?: boolean;
  readonly follow?: boolean;
  readonly timeout?: string;
}

const finalStates: readonly string[] = ['SUCCESS', 'FAILURE', 'REVOKED'];
const maxWait = 10_000;
/** States come with no notification. */
const stateInterval = 500;

/** Prints where a task stands, and its value or error; with `--wait` (which `--timeout` implies) once it has ended. */
export async function showResult(given: ResultArguments): Promise<ExitCode> {
  const timeout = readDuration(given.timeout, '--timeout');
  const waits = given.wait === true || given.follow === true || timeout !== undefined;
  return withApp(given, async (opened) => {
    const result = opened.app.asyncResult(given.id);
    const state = waits ? undefined : await readState(result, opened);
    if (state !== undefined && !finalStates.includes(state)) return showUnfinished(result, state, given);
    const followed = given.follow ? followResult(result) : undefined;
    const record = await result.wait(timeout === undefined ? {} : { timeout }).finally(() => followed?.stop());
    await followed?.shown;
    showFinal(record, given);
    return waits && record.state !== 'SUCCESS' ? 1 : 0;
  });
}

/** The result backend may be another store than the broker, which has been seen to answer. */
async function readState(result: AsyncResult, { settings }: OpenedApp): Promise<string> {
  const name = `result backend ${textSetting(settings, 'backend') ?? textSetting(settings, 'broker')}`;
  try {
    return await within<string>(maxWait, result.state(), () => {
      throw new CommandError(`${name} did not answer within ${maxWait / 1000} s`, { exitCode: 69 });
    });
  } catch (error) {
    if (error instanceof CommandError || codeOf(error)?.startsWith('RESULT_NO')) throw error;
    throw new CommandError(`${name} cannot be read`, { exitCode: 69, cause: error });
  }
}

async function showUnfinished(result: AsyncResult, state: string, { json }: ResultArguments): Promise<ExitCode> {
  const info = state === 'PENDING' ? undefined : await result.info();
  if (json) printJson({ id: result.id, state, ...(info === undefined ? {} : { info }) });
  else {
    printData(state);
    printValue(info);
  }
  return 0;
}

function showFinal(record: OutcomeRecord, { json, verbose = false }: ResultArguments): void {
  if (json) return printRecordJson(record);
  printData(record.state);
  if (record.state === 'SUCCESS') printValue(record.value);
  else printData(formatFailure(record, verbose, process.stdout));
}

/** Each state as a line on stderr, and progress as it is said. */
function followResult(result: AsyncResult): { readonly shown: Promise<unknown>; stop(): void } {
  const progress = followProgress(result);
  const end = new AbortController();
  const tellStates = async (): Promise<void> => {
    for (let last = ''; !end.signal.aborted; ) {
      const state = await result.state();
      if (state !== last && !finalStates.includes(state)) printNote(state);
      last = state;
      await sleep(stateInterval, undefined, { signal: end.signal }).catch(() => undefined); // it ends
    }
  };
  const states = tellStates().catch(() => undefined); // the wait itself reports what is wrong
  const stop = (): void => {
    end.abort();
    progress.stop();
  };
  return { shown: Promise.all([progress.shown, states]), stop };
}
