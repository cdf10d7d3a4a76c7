import type { Lovage } from '@lovage/core';
import { describeTasks } from '@lovage/core/inspect';
import { isInProcess, type OpenedApp, textSetting } from '../../app/open-app.ts';
import type { ExitCode } from '../../exit-code.ts';
import type { DevArguments } from '../../options/dev-options.ts';
import { readPort } from '../../options/read-port.ts';
import { paint } from '../../output/paint.ts';
import { printLine } from '../../output/print.ts';
import { redact } from '../../output/redact.ts';
import { runWorker } from '../workers/run-worker.ts';
import { startConsole } from './dev-console.ts';

const usualPort = 4600;
/** How long tasks in flight may take before they are given back. */
const drain = '5s';

/** The process of `lovage dev` that runs the app: worker, beat, dashboard, and a console on memory://. */
export async function serveDev(given: DevArguments): Promise<ExitCode> {
  const port = given.port === undefined ? usualPort : readPort(given.port, '--port');
  const worker = { ...given, beat: true, events: true, logFormat: 'pretty', drain };
  return runWorker(worker, async (opened) => {
    const dashboard = await openDashboard(opened.app, port);
    printLine(await guide(opened, dashboard));
    startConsole(opened.app);
  });
}

/** Its address; a sentence where it cannot listen. */
async function openDashboard(app: Lovage, port: number): Promise<string> {
  const { startDashboard } = await import('@lovage/dashboard');
  try {
    return (await startDashboard(app, { port })).url;
  } catch (error) {
    return `not there: ${(error as Error).message}`;
  }
}

/** The tasks with their signatures, and what to do next. */
async function guide({ app, location, settings }: OpenedApp, dashboard: string): Promise<string> {
  const tasks = (await describeTasks(app)).filter(({ runsHere }) => runsHere);
  const lines = tasks.slice(0, 30).map(({ signature }) => `   ${signature}`);
  const more = tasks.length > 30 ? [`   and ${tasks.length - 30} more`] : [];
  const [first] = tasks;
  const args = first?.example.map((value) => quote(JSON.stringify(value))).join(' ') ?? '';
  const broker = redact(textSetting(settings, 'broker') ?? '');
  const next =
    first === undefined
      ? `add a task to ${location?.shown ?? 'the app'}: app.task('add', (a, b) => a + b)`
      : isInProcess(settings)
        ? `type: ${first.name} ${args}`
        : `npx lovage call ${first.name} ${args} --broker ${broker}`;
  const row = (name: string, text: string): string => ` ${paint('dim', name.padEnd(9))} ${text}`;
  return [
    '',
    row('tasks', ''),
    ...lines,
    ...more,
    row('dashboard', dashboard),
    row('next', paint('cyan', next.trim())),
  ].join('\n');
}

function quote(text: string): string {
  return /[\s"'{}[\]]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : text;
}
