import type { Clock } from '../../clock.ts';
import { BrokerUrlError } from '../../errors.ts';
import type { Driver, DriverContext } from '../driver.ts';
import { MemoryConnection } from './memory-connection.ts';
import { MemoryStore } from './memory-store.ts';

/**
 * The reference driver: everything in this process, on the injected clock.
 *
 * `memory://` opens a store of its own each time; `memory://name` is one store per name, prefix and clock, which lasts
 * as long as the process. An open consumer holds the process alive, as a worker's sockets would; nothing else does.
 */
export const memoryDriver: Driver = {
  name: 'in-process memory',
  schemes: ['memory'],
  connect(url, context) {
    const name = nameOf(url);
    return new MemoryConnection(`memory://${name}`, openStore(name, context), context);
  },
};

/** Stores by clock: a store lives on one clock, and two tests with clocks of their own must not meet. */
const namedStores = new WeakMap<Clock, Map<string, MemoryStore>>();

function openStore(name: string, { clock, prefix, retention, history }: DriverContext): MemoryStore {
  if (name === '') return new MemoryStore(clock, retention, history);
  const stores = namedStores.get(clock) ?? new Map<string, MemoryStore>();
  namedStores.set(clock, stores);
  const key = JSON.stringify([prefix, name]);
  const store = stores.get(key) ?? new MemoryStore(clock, retention, history); // of several openers, the first says what is kept
  stores.set(key, store);
  return store;
}

function nameOf(url: string): string {
  const match = /^memory:(?:\/\/)?([^/?#\s]*)\/?$/.exec(url);
  if (!match) throw new BrokerUrlError(`cannot read the URL "${url}": write memory:// or memory://name`);
  return match[1] as string;
}
