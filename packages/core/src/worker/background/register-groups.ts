import type { AppRuntime } from '../../app/app-runtime.ts';
import { ConfigurationError, NotSupportedError } from '../../errors.ts';

/** As much of the app as this needs. */
type Registrar = Pick<AppRuntime, 'topicGroups' | 'clock' | 'logger' | 'closers'>;

/** Between two tries, in milliseconds. */
const pause = 5_000;

/**
 * Writes the durable subscriptions that the app declares. A store that does not take them now (it is full, or away) keeps no
 * worker from its tasks: it is asked again. Throws {@link ConfigurationError} and {@link NotSupportedError}, which stay.
 */
export async function registerGroups(runtime: Registrar): Promise<void> {
  const { topicGroups, clock, logger, closers } = runtime;
  try {
    await topicGroups.register();
  } catch (error) {
    if (error instanceof ConfigurationError || error instanceof NotSupportedError) throw error;
    logger.warn('durable subscriptions could not be written, trying again', { error, inMs: pause });
    const again = (): void => {
      closers.delete(stop);
      registerGroups(runtime).catch((lasting: unknown) =>
        logger.error('durable subscriptions cannot be written', { error: lasting }),
      );
    };
    const timer = clock.after(pause, again, { background: true });
    const stop = async (): Promise<void> => timer.cancel();
    closers.add(stop);
  }
}
