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
    const dashboard = await startDashboard(opened.app, port);
    printLine(await guide(opened, dashboard));
    startConsole(opened.app);
  });
}

/** What @lovage/dashboard gives a process that mounts it. */
interface DashboardModule {
  startDashboard(
    app: Lovage,
    where: { readonly host: string; readonly port: number },
  ): Promise<{ readonly url: string }>;
}

/** Its address; a sentence where it is not there, or cannot listen. */
async function startDashboard(app: Lovage, port: number): Promise<string> {
  const name = '@lovage/dashboard';
  let dashboard: Partial<DashboardModule>;
  try {
    dashboard = (await import(name)) as Partial<DashboardModule>;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return `not installed (npm install -D ${name})`;
  }
  try {
    return (
      (await dashboard.startDashboard?.(app, { host: '127.0.0.1', port }))?.url ??
      'has no pages yet in this version: npx lovage top'
    );
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
