import {
  type Broker,
  type Clock,
  type Connection,
  type DriverContext,
  defaultHistoryLimits,
  defaultRetention,
  type Monitor,
  type Retention,
  type StoreReport,
} from '@lovage/core/driver';
import { type RedisClient, RedisClients } from './connection.ts';
import { examineStore } from './health/store-examination.ts';
import { reportStore } from './health/store-report.ts';
import { RedisHistoryStore } from './history/redis-history-store.ts';
import { createKeys, type Keys } from './keys.ts';
import type { Origin } from './lease-guard.ts';
import { dataLoss, watchForLoss } from './loss-watch.ts';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';
import { RedisResultBackend } from './results/redis-result-backend.ts';
import { EndedLog } from './retention/ended-log.ts';
import { RedisSweeper } from './retention/redis-sweeper.ts';
import { StoreClock } from './store-clock.ts';
import { Deadline, StoreLink } from './store-link.ts';
import { RedisBus } from './stores/redis-bus.ts';
import { RedisLeaseStore } from './stores/redis-lease-store.ts';
import { RedisRateLimiter } from './stores/redis-rate-limiter.ts';
import { RedisRevocationStore } from './stores/redis-revocation-store.ts';
import { RedisScheduleStore } from './stores/redis-schedule-store.ts';
import { RedisSemaphore } from './stores/redis-semaphore.ts';
import { RedisSharedRegistry } from './stores/redis-shared-registry.ts';
import { RedisUniqueKeyStore } from './stores/redis-unique-key-store.ts';
import { Subscriber } from './subscriber.ts';
import { RedisWorkflowStore } from './workflow/redis-workflow-store.ts';

/** What a broker on this connection is made of. */
export interface BrokerParts {
  readonly clients: RedisClients;
  readonly link: StoreLink;
  readonly subscriber: Subscriber;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly publishTimeout: number;
  /** Where outcomes that were stored are remembered. */
  readonly ended: EndedLog;
  readonly retention: Retention;
  readonly origin: Origin;
  readonly storeClock: StoreClock;
  /** As in the URL: {@link RedisTarget.queueEvents}. */
  readonly queueEvents: boolean;
}

/** What tells the drivers of this package apart; the rest they share. */
export interface BrokerKit {
  /** Whose queues it has, as {@link Keys} calls what their keys begin with. */
  readonly queues: 'jobs' | 'streams';
  createBroker(parts: BrokerParts): Broker;
  createMonitor(parts: BrokerParts): Monitor;
  /** Lets go what the broker keeps of failed tasks. */
  readonly sweepFailed?: (parts: BrokerParts, queue: string) => Promise<void>;
  /** Whether acks record members of groups; not on a cluster, where groups have slots of their own. */
  readonly acksWithJoin?: boolean;
  /** Throws when the server lacks what the broker needs. */
  readonly assertServer?: (client: RedisClient) => Promise<void>;
}

/** Everything Redis does for an app, over one set of connections. No socket is opened before the first use. */
export class RedisConnection implements Connection {
  readonly display: string;
  readonly acksWithOutcome = true;
  readonly acksWithJoin: boolean;
  readonly broker: Broker;
  readonly results: RedisResultBackend;
  readonly bus: RedisBus;
  readonly leases: RedisLeaseStore;
  readonly uniqueKeys: RedisUniqueKeyStore;
  readonly schedules: RedisScheduleStore;
  readonly sharedRegistry: RedisSharedRegistry;
  readonly limits: RedisRateLimiter;
  readonly revocations: RedisRevocationStore;
  readonly semaphore: RedisSemaphore;
  readonly workflows: RedisWorkflowStore;
  readonly monitor: Monitor;
  readonly history: RedisHistoryStore;
  readonly #clients: RedisClients;
  readonly #link: StoreLink;
  readonly #subscriber: Subscriber;
  readonly #storeClock: StoreClock;
  readonly #context: DriverContext;
  readonly #ended: EndedLog;
  readonly #sweeper: RedisSweeper;
  readonly #kit: BrokerKit;
  readonly #keys: Keys;

  constructor(url: string, context: DriverContext, kit: BrokerKit) {
    const target = parseRedisUrl(url);
    const { clock, logger, publishTimeout } = context;
    const keys = createKeys(target, context.prefix);
    const clients = createClients(target, context, keys);
    const link = new StoreLink(clients, clock, publishTimeout);
    const subscriber = new Subscriber(clients, link, { logger, timeout: publishTimeout });
    const { retention = defaultRetention } = context;
    const ended = new EndedLog(link, keys, clock);
    const origin: Origin = { url, prefix: context.prefix, connection: context.connection };
    const storeClock = new StoreClock(link, clock);
    this.#storeClock = storeClock;
    const own = { ended, retention, origin, storeClock, queueEvents: target.queueEvents };
    const parts: BrokerParts = { clients, link, subscriber, keys, clock, publishTimeout, ...own };
    [this.#ended, this.#context, this.#kit] = [ended, context, kit];
    this.#keys = keys;
    [this.#clients, this.#link, this.#subscriber] = [clients, link, subscriber];
    this.display = target.display;
    this.acksWithJoin = kit.acksWithJoin === true && keys.sameSlot;
    this.broker = kit.createBroker(parts);
    this.results = new RedisResultBackend(link, subscriber, keys, ended);
    this.bus = new RedisBus(link, subscriber, { keys, counts: target.kind !== 'cluster' });
    this.leases = new RedisLeaseStore(link, keys);
    this.uniqueKeys = new RedisUniqueKeyStore(link, keys);
    this.schedules = new RedisScheduleStore(link, keys);
    this.sharedRegistry = new RedisSharedRegistry(link, keys);
    this.semaphore = new RedisSemaphore(link, keys, kit.queues);
    this.workflows = new RedisWorkflowStore(link, keys, retention);
    this.limits = new RedisRateLimiter(link, keys);
    this.revocations = new RedisRevocationStore(link, keys);
    this.history = new RedisHistoryStore({ link, keys, clock, limits: context.history ?? defaultHistoryLimits });
    this.monitor = kit.createMonitor(parts);
    const { sweepFailed: sweep } = kit;
    const sweepFailed = sweep && ((queue: string) => sweep(parts, queue));
    const { monitor, history, workflows } = this;
    this.#sweeper = new RedisSweeper({ link, keys, monitor, retention, workflows, sweepFailed, history });
  }

  sweep(): Promise<void> {
    return this.#sweeper.sweep();
  }

  clockOffset(): number | Promise<number> {
    return this.#storeClock.offset();
  }

  check(timeout: number, thorough = false): Promise<StoreReport> {
    return this.#link.run(async (client) => {
      await this.#kit.assertServer?.(client);
      const report = withTlsWarning(await reportStore(client, this.display), this.#clients.target, this.#context);
      if (!thorough) return report;
      return {
        ...report,
        findings: await examineStore(client, { report, keys: this.#keys, target: this.#clients.target }),
      };
    }, timeout);
  }

  /** Closes the consumers (core has drained them by now), then ends every socket hard. May be called twice. */
  async close(deadline: number): Promise<void> {
    const late = new Deadline(this.#context.clock, deadline, () => new Error('the deadline of close passed'));
    try {
      await late.race(this.broker.close());
      await late.race(this.#ended.flush());
    } catch {
      // the sockets are ended all the same: what was not handed back comes again when its lease runs out
    } finally {
      late.clear();
      this.#ended.close();
      this.#subscriber.close();
      this.#clients.close();
    }
  }
}

/** Whoever stands between may read and change everything. */
function withTlsWarning(report: StoreReport, { tls }: RedisTarget, { connection }: DriverContext): StoreReport {
  if (!tls || connection.tls?.['rejectUnauthorized'] !== false) return report;
  const warning =
    'The certificate of Redis is not verified (connection.tls.rejectUnauthorized: false), so anybody between may read and change tasks: set connection.caFile instead.';
  return { ...report, warnings: [...report.warnings, warning] };
}

/** A worker's connections watch for a Redis that has lost its data. */
function createClients(target: RedisTarget, { connection, logger }: DriverContext, keys: Keys): RedisClients {
  const clients = new RedisClients(target, connection);
  clients.onWorkerClient = (client) =>
    watchForLoss({
      client,
      key: keys.mark,
      onLoss: () => logger.error('data loss', { error: dataLoss(target.display) }),
    });
  return clients;
}
