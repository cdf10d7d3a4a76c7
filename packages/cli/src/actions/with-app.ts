import type { Lovage } from '@lovage/core';
import { Inspector } from '@lovage/core/inspect';
import { isInProcess, type OpenedApp, openApp, textSetting } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { CommandError, codeOf, type ExitCode } from '../exit-code.ts';
import { createCommandLogger } from '../output/plain-logger.ts';
import { printNote } from '../output/print.ts';

/** How long a broker may take to answer a command. */
const maxWait = 5_000;
/** How long connections may take to close after a command, whose answer the person has already. */
const closeTimeout = 2_000;

const ownProcessOnly =
  'memory:// holds the tasks of this process only: name a broker with --broker or LOVAGE_BROKER_URL';

/** Opens an app for a command that is not a worker, sees that its broker answers, and closes it afterwards. */
export async function withApp(
  given: GlobalArguments,
  work: (opened: OpenedApp) => Promise<ExitCode>,
): Promise<ExitCode> {
  const opened = await openApp(given, { logger: createCommandLogger(given.verbose) });
  try {
    if (isInProcess(opened.settings)) printNote(ownProcessOnly);
    else await checkBroker(opened);
    return await work(opened);
  } finally {
    await closeSoon(opened.app);
  }
}

/** Closes an app; a broker that does not answer is not waited for. */
export async function closeSoon(app: Lovage): Promise<void> {
  await within(closeTimeout, app.close(), () => undefined);
}

/** Throws a {@link CommandError} (69) that names the broker unless it answers within a few seconds. */
export async function checkBroker({ app, settings }: OpenedApp): Promise<void> {
  const broker = textSetting(settings, 'broker') ?? '';
  if (settings.get('broker')?.source === 'environment REDIS_URL') printNote(`broker ${broker}, from REDIS_URL`);
  const inspector = new Inspector(app);
  try {
    await within(maxWait + 500, inspector.check({ timeout: maxWait }), () => {
      throw new CommandError(`broker ${broker} did not answer within ${maxWait / 1000} s`, { exitCode: 69 });
    });
  } catch (error) {
    if (error instanceof CommandError || codeOf(error) === 'NOT_SUPPORTED') throw error;
    if (error instanceof Error && isBrokerError(error) && error.message.includes(broker)) throw error;
    throw new CommandError(`broker ${broker} cannot be used`, { exitCode: 69, cause: error });
  }
}

function isBrokerError(error: Error): boolean {
  return codeOf(error)?.startsWith('BROKER_') ?? false;
}

/** Settles as `work` does, or as `late` does after `ms`. */
export async function within<T>(ms: number, work: Promise<T>, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  }).then(late);
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
