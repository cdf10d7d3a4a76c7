import type { Connection, DriverContext, StoreReport } from '@lovage/core/driver';
import { BullmqBroker } from './bullmq/broker.ts';
import { RedisBus } from './bus/redis-bus.ts';
import { RedisClients } from './connection.ts';
import { createKeys } from './keys.ts';
import { RedisLeaseStore } from './leases/redis-lease-store.ts';
import { RedisMonitor } from './monitor/redis-monitor.ts';
import { parseRedisUrl } from './redis-url.ts';
import { RedisResultBackend } from './results/redis-result-backend.ts';
import { RedisScheduleStore } from './schedules/redis-schedule-store.ts';
import { Deadline, StoreLink } from './store-link.ts';
import { reportStore } from './store-report.ts';
import { Subscriber } from './subscriber.ts';

/** Everything Redis does for an app, over one set of connections. No socket is opened before the first use. */
export class RedisConnection implements Connection {
  readonly display: string;
  readonly acksWithOutcome = true;
  readonly broker: BullmqBroker;
  readonly results: RedisResultBackend;
  readonly bus: RedisBus;
  readonly leases: RedisLeaseStore;
  readonly schedules: RedisScheduleStore;
  readonly monitor: RedisMonitor;
  readonly #clients: RedisClients;
  readonly #link: StoreLink;
  readonly #subscriber: Subscriber;
  readonly #context: DriverContext;

  constructor(url: string, context: DriverContext) {
    const target = parseRedisUrl(url);
    const { clock, logger, publishTimeout } = context;
    const keys = createKeys(target, context.prefix);
    const clients = new RedisClients(target, context.connection);
    const link = new StoreLink(clients, clock, publishTimeout);
    const subscriber = new Subscriber(clients, link, { logger, timeout: publishTimeout });
    this.#context = context;
    this.#clients = clients;
    this.#link = link;
    this.#subscriber = subscriber;
    this.display = target.display;
    this.broker = new BullmqBroker({ clients, link, keys, clock, publishTimeout });
    this.results = new RedisResultBackend(link, subscriber, keys);
    this.bus = new RedisBus(link, subscriber, keys);
    this.leases = new RedisLeaseStore(link, keys);
    this.schedules = new RedisScheduleStore(link, keys);
    this.monitor = new RedisMonitor(link, keys);
  }

  check(timeout: number): Promise<StoreReport> {
    return this.#link.run(reportStore, timeout);
  }

  /** Closes the consumers (core has drained them by now), then ends every socket hard. May be called twice. */
  async close(deadline: number): Promise<void> {
    const late = new Deadline(this.#context.clock, deadline, () => new Error('the deadline of close passed'));
    try {
      await late.race(this.broker.close());
    } catch {
      // the sockets are ended all the same: what was not handed back comes again when its lease runs out
    } finally {
      late.clear();
      this.#subscriber.close();
      this.#clients.close();
    }
  }
}
