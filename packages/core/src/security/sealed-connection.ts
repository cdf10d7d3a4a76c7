import type { Connection } from '../driver/driver.ts';
import { NotSupportedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { MessageSeal } from './message-seal.ts';
import { RecordSeal, SealedResults } from './record-seal.ts';
import { SealedBroker } from './sealed-broker.ts';
import { SealedBus } from './sealed-bus.ts';
import { sealHistory } from './sealed-history.ts';
import { sealMonitor } from './sealed-monitor.ts';
import { sealRegistry, sealSchedules } from './sealed-stores.ts';
import { sealWorkflows } from './sealed-workflows.ts';
import type { Sealer } from './sealer.ts';

/**
 * A connection whose messages, results, schedules, workflows, history and bus are sealed on their way to the store and opened on their
 * way back. Everything above it, and every driver below, is as it was. Throws {@link NotSupportedError} for one that another system
 * shares, which could read none of it.
 */
export function sealConnection(inner: Connection, sealer: Sealer, logger: Logger): Connection {
  if (inner.canvas)
    throw new NotSupportedError(
      `${inner.display} is shared with Celery, which reads no signed or encrypted messages: leave security out`,
    );
  const messages = new MessageSeal(sealer);
  const records = new RecordSeal(sealer);
  const { broker, results, bus, schedules, sharedRegistry, workflows, monitor, history, sweep } = inner;
  const { display, acksWithOutcome, acksWithJoin, leases, uniqueKeys, limits, revocations, semaphore, clockOffset } =
    inner;
  return {
    display,
    acksWithOutcome,
    ...present({ acksWithJoin, leases, uniqueKeys, limits, revocations, semaphore }),
    ...present({
      broker: broker && new SealedBroker(broker, messages, records),
      results: results && new SealedResults(results, records),
      bus: bus && new SealedBus(bus, sealer, logger),
      schedules: schedules && sealSchedules(schedules, sealer, logger),
      sharedRegistry: sharedRegistry && sealRegistry(sharedRegistry, sealer, logger),
      workflows: workflows && sealWorkflows(workflows, sealer),
      monitor: monitor && sealMonitor(monitor, messages, records),
      history: history && sealHistory(history, sealer),
      clockOffset: clockOffset && (() => clockOffset.call(inner)),
      sweep: sweep && (() => sweep.call(inner)),
    }),
    check: (timeout, thorough) => inner.check(timeout, thorough),
    close: (deadline) => inner.close(deadline),
  };
}

/** The parts that are there. */
function present<T extends object>(parts: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined)) as ReturnType<
    typeof present<T>
  >;
}
