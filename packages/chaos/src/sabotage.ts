import type {
  Broker,
  Connection,
  ConsumeRequest,
  Deliver,
  Delivery,
  Driver,
  DriverContext,
  Message,
  ResultBackend,
  Semaphore,
  Settlement,
} from '@lovage/core/driver';
import { redisDriver, streamsDriver } from '@lovage/redis';

/**
 * One protection taken away, to show that the check sees what it protects from. Only the app of this suite can be
 * sabotaged, by the variable CHAOS_SABOTAGE; the product knows nothing of it.
 */
export const sabotages = [
  /** A delivery is settled before its handler has run. */
  'ack-early',
  /** The outcome of a run is stored whatever lease it ran under. */
  'no-fence',
  /** Leases are not renewed. */
  'no-renewal',
  /** Calls with a time are sent without it. */
  'eta-ignored',
  /** Everybody is let in. */
  'no-admission',
  /** A result that cannot be stored at once is given up. */
  'no-patience',
  /** Whoever looks for a message is told that it waits. */
  'no-search',
  /** A consumer that closes waits for its store, and nothing ends the process meanwhile. */
  'no-deadlines',
  /** Nobody sweeps what is over. */
  'no-sweep',
  /** A join counts who comes, not who came. */
  'count-joins',
  /** Each task leaves something behind. */
  'leak',
] as const;

export type Sabotage = (typeof sabotages)[number];

/** Whether this protection is the driver's; others are taken away by the scenario itself. */
export function isDriverSabotage(name: string | undefined): name is Sabotage {
  return sabotages.some((known) => known === name);
}

/** The Redis drivers with this protection taken away. */
export function sabotagedDrivers(sabotage: Sabotage): readonly Driver[] {
  if (sabotage === 'no-renewal') stopRenewals();
  if (sabotage === 'no-deadlines') stopHardExit();
  return [redisDriver, streamsDriver].map((driver) => ({
    name: `${driver.name}, without protection: ${sabotage}`,
    schemes: driver.schemes,
    connect: (url: string, context: DriverContext) => sabotaged(driver.connect(url, context), sabotage),
  }));
}

function sabotaged(connection: Connection, sabotage: Sabotage): Connection {
  const { broker, results, monitor } = connection;
  const changed: Record<string, unknown> = {};
  if (broker) changed['broker'] = sabotagedBroker(broker, results, sabotage);
  if (results && sabotage === 'no-patience') changed['results'] = withParts(results, { put: hastyPut(results) });
  if (monitor && sabotage === 'no-search') {
    changed['monitor'] = withParts(monitor, { locate: async (ids: readonly string[]) => ids.map(() => 'waiting') });
  }
  if (results && sabotage === 'count-joins') changed['results'] = withParts(results, { join: countingJoin(results) });
  if (sabotage === 'no-admission') changed['semaphore'] = openDoors(connection.semaphore);
  if (sabotage === 'no-sweep') changed['sweep'] = async (): Promise<void> => {};
  return withParts(connection, changed);
}

/** Every member joins at several places at once, as if it had come so often. */
function countingJoin(results: ResultBackend): ResultBackend['join'] {
  return async (member) => {
    const { outcome: _outcome, ...again } = member;
    for (let time = 1; member.size !== undefined && time <= 5; time += 1)
      await results.join({ ...again, index: member.size * time + member.index });
    return results.join(member);
  };
}

/** The same object with some of its parts replaced. */
function withParts<T extends object>(of: T, parts: Readonly<Record<string, unknown>>): T {
  return new Proxy(of, {
    get: (target, name) => {
      if (typeof name === 'string' && name in parts) return parts[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Stores where the store answers at this moment, and says that it did in any case. */
function hastyPut(results: ResultBackend): ResultBackend['put'] {
  return async (writes) => {
    const answers = results.get(['probe']).then(
      () => true,
      () => false,
    );
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, 150, false));
    return (await Promise.race([answers, late])) ? results.put(writes) : writes.map(() => true);
  };
}

function sabotagedBroker(broker: Broker, results: ResultBackend | undefined, sabotage: Sabotage): Broker {
  return {
    publish: (messages: readonly Message[], signal?: AbortSignal) =>
      broker.publish(sabotage === 'eta-ignored' ? messages.map(withoutEta) : messages, signal),
    unblock: async (held) => (await broker.unblock?.(held)) ?? [],
    consume: async (request: ConsumeRequest, deliver: Deliver) => {
      const consumer = await broker.consume(request, wrap(deliver, results, sabotage));
      return sabotage === 'no-deadlines' ? withParts(consumer, { close: () => new Promise(() => {}) }) : consumer;
    },
    close: () => broker.close(),
  };
}

/** Whoever asks is in, and who was in is forgotten. */
function openDoors(semaphore: Semaphore | undefined): Semaphore | undefined {
  let fence = 0;
  return (
    semaphore && {
      acquire: async (entries) => ({ fencingTokens: entries.map(() => ++fence), others: [] }),
      release: async () => [],
      halt: async () => false,
      halted: async () => [],
      has: async (places) => places.map(() => true),
      waitingList: async () => [],
      overdue: async () => [],
    }
  );
}

function withoutEta({ eta: _eta, ...message }: Message): Message {
  return message;
}

function wrap(deliver: Deliver, results: ResultBackend | undefined, sabotage: Sabotage): Deliver {
  if (sabotage === 'ack-early') {
    return async (delivery: Delivery): Promise<Settlement> => {
      void Promise.resolve(deliver(delivery)).then((settlement) => storeByForce(settlement, results));
      return { kind: 'ack' };
    };
  }
  if (sabotage !== 'no-fence') return deliver;
  return async (delivery: Delivery): Promise<Settlement> => {
    const settlement = await deliver(delivery);
    await storeByForce(settlement, results);
    return settlement;
  };
}

async function storeByForce(settlement: Settlement, results: ResultBackend | undefined): Promise<void> {
  if (settlement.kind !== 'ack' || settlement.outcome === undefined || results === undefined) return;
  await results.forget([settlement.outcome.record.id]);
  await results.put([settlement.outcome]);
}

/** The drivers renew at a fourth of the lease: timers of that interval never fire. */
function stopRenewals(): void {
  const interval = Number(process.env['CHAOS_LEASE'] ?? 2_000) / 4;
  const real = globalThis.setInterval;
  const patched = (fn: () => void, ms?: number): NodeJS.Timeout => real(ms === interval ? (): void => {} : fn, ms);
  globalThis.setInterval = patched as unknown as typeof globalThis.setInterval;
}

/** The command ends its process 4.8 s after the drain (1 s where this is tried), whatever hangs: not any more. */
function stopHardExit(): void {
  const real = globalThis.setTimeout;
  const patched = (fn: () => void, ms?: number): NodeJS.Timeout => real(ms === 5_800 ? (): void => {} : fn, ms);
  globalThis.setTimeout = Object.assign(patched, real) as unknown as typeof globalThis.setTimeout;
}
