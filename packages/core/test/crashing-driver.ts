import { AsyncLocalStorage } from 'node:async_hooks';
import type { AckJoin, Broker, Deliver, Settlement } from '../src/driver/broker.ts';
import type { Connection, Driver } from '../src/driver/driver.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import type { ResultBackend } from '../src/driver/result-backend.ts';
import { isFinal } from '../src/message/outcome.ts';

/** A worker's life during one delivery: how many steps of the store it has left, and whether the last one still counts. */
interface Life {
  left: number;
  readonly lastCounts: boolean;
  readonly die: () => void;
}

/** Draws how many steps of the store a worker lives for; undefined: to the end, and is then delivered again or not. */
export interface Fate {
  /** Whether members of groups ride on acks, as on a broker that takes them. @default false */
  readonly joins?: boolean;
  /** Steps until it dies; undefined for a long life. */
  next(): { readonly steps: number | undefined; readonly lastCounts: boolean; readonly ackLost: boolean };
}

/** A {@link Driver} whose dead workers can be buried, so that a test need not wait for them. */
export interface CrashingDriver extends Driver {
  /** What hangs in dead workers fails from now on. */
  end(): void;
}

/**
 * The memory driver in a world where workers die: at any step to broker or store, before it has its effect or after it, or
 * with everything done and the ack lost. The message is then delivered to another worker.
 */
export function createCrashingDriver(
  fate: Fate,
  onPut: (id: string) => void,
  onEnd?: (id: string) => void,
): CrashingDriver {
  const lives = new AsyncLocalStorage<Life>();
  const workers: Deliver[] = [];
  const deaths = new Map<string, number>();
  const bury: (() => void)[] = [];
  let over = false;
  let joinStep: ResultBackend['join'] = () => Promise.reject(new Error('not connected'));
  const forever = (): Promise<never> =>
    new Promise((_, reject) => {
      const end = (): void => reject(new Error('this worker is dead'));
      if (over) end();
      else bury.push(end);
    });

  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    const life = lives.getStore();
    if (life === undefined) return work();
    if (life.left <= 0) return forever();
    life.left -= 1;
    if (life.left > 0) return work();
    if (life.lastCounts) await work();
    life.die();
    return forever();
  };

  /** What a broker does that takes joins: a step that may be the worker's last, and then what follows. */
  const ride = async (settling: ReturnType<Deliver>): Promise<Settlement> => {
    const settlement = await settling;
    if (!('join' in settlement)) return settlement;
    const { outcome, join } = settlement as Extract<Settlement, { join: AckJoin }>;
    const { follow: _, ...member } = join;
    const state = await joinStep({ ...member, succeeded: true, outcome });
    return state.complete || state.refused ? join.follow(state) : { kind: 'ack' };
  };

  const live = (deliver: () => ReturnType<Deliver>): Promise<Awaited<ReturnType<Deliver>> | undefined> => {
    const { steps, lastCounts, ackLost } = fate.next();
    return new Promise((resolve) => {
      const life: Life = { left: steps ?? Number.POSITIVE_INFINITY, lastCounts, die: () => resolve(undefined) };
      const settling = lives.run(life, () => ride(deliver()));
      const dead = (): void => resolve(undefined); // buried in the step of its ack
      settling.then((settlement) => resolve(ackLost ? undefined : settlement), dead);
    });
  };

  const mortal: Deliver = async (delivery) => {
    for (let turn = 0; ; turn++) {
      const seat = deaths.get(delivery.message.id) ?? 0; // a worker that died over a message would join its dead attempt
      const worker = workers[seat] as Deliver;
      const { message, queue } = delivery;
      const again = {
        message,
        queue,
        deliveryCount: delivery.deliveryCount + turn,
        onLeaseLost: () => {},
        onSettled: () => {},
        recordStart: async () => 0,
        undoStart: async () => {},
      };
      if (seat === workers.length - 1) return lives.exit(() => ride(worker(again))); // whoever published it may be dead by now
      const settlement = await live(() => worker(again));
      if (settlement) return settlement;
      deaths.set(message.id, seat + 1);
    }
  };

  return {
    end() {
      over = true;
      for (const end of bury.splice(0)) end();
    },
    name: 'memory, with deaths',
    schemes: ['crashing'],
    connect(url, context): Connection {
      const inner = memoryDriver.connect(url.replace('crashing:', 'memory:'), context);
      const { broker, results } = inner as { broker: Broker; results: ResultBackend };
      joinStep = (member) =>
        step(async () => {
          const state = await results.join(member);
          if (member.outcome && !state.refused) onEnd?.(member.outcome.record.id);
          return state;
        });
      return {
        display: inner.display,
        ...(inner.bus ? { bus: inner.bus } : {}),
        ...(inner.monitor ? { monitor: inner.monitor } : {}),
        acksWithOutcome: false,
        acksWithJoin: fate.joins === true,
        check: (timeout) => inner.check(timeout),
        close: (deadline) => inner.close(deadline),
        broker: {
          publish: (messages, signal) => step(() => broker.publish(messages, signal)),
          consume: (request, deliver) => {
            workers.push(deliver);
            return broker.consume(request, mortal);
          },
          close: () => broker.close(),
        },
        results: {
          put: (writes) => {
            for (const { record } of writes) onPut(record.id);
            return step(async () => {
              const stand = await results.put(writes);
              for (const [index, { record }] of writes.entries())
                if (stand[index] && isFinal(record)) onEnd?.(record.id);
              return stand;
            });
          },
          get: (ids) => step(() => results.get(ids)),
          join: joinStep,
          forget: (ids) => step(() => results.forget(ids)),
          watch: (inbox, listener) => results.watch(inbox, listener),
          close: () => results.close(),
        },
      };
    },
  };
}
