import type {
  Connection,
  DriverContext,
  LeaseStore,
  NativeCanvas,
  RateLimiter,
  ScheduleStore,
  StoreReport,
} from '@lovage/core/driver';
import { CeleryCanvas } from '../canvas/celery-canvas.ts';
import { CeleryRemote } from '../remote/celery-remote.ts';
import { RedisLink } from './connection.ts';
import { createKeys } from './keys.ts';
import { toWirePriority } from './priority.ts';
import { RedisPublisher } from './publisher.ts';
import { RedisBroker } from './redis-broker.ts';
import { RedisMonitor } from './redis-monitor.ts';
import { RedisRemote } from './redis-remote.ts';
import { RedisResults } from './redis-results.ts';
import { RedisSettler } from './redis-settler.ts';
import { createLeases, createRateLimiter, createSchedules } from './redis-stores.ts';
import { parseRedisUrl } from './redis-url.ts';
import { Subscriptions } from './subscriptions.ts';

const groupTtl = 86_400_000;

/** A Celery fleet's Redis: its queues, results and remote control. No socket is opened before the first use. */
export class RedisConnection implements Connection {
  readonly display: string;
  readonly acksWithOutcome = true;
  readonly broker: RedisBroker;
  readonly results: RedisResults;
  readonly canvas: NativeCanvas;
  readonly bus: CeleryRemote;
  readonly leases: LeaseStore;
  readonly schedules: ScheduleStore;
  readonly limits: RateLimiter;
  readonly monitor: RedisMonitor;
  readonly #link: RedisLink;
  readonly #subscriptions: Subscriptions;

  constructor(url: string, context: DriverContext) {
    const target = parseRedisUrl(url);
    const { clock, logger, connection, publishTimeout, prefix, defaultQueue = 'celery' } = context;
    const link = new RedisLink(target, clock, { ...connection, timeout: publishTimeout });
    const keys = createKeys(target.options, prefix, target.db);
    const settler = new RedisSettler(link, keys);
    this.#link = link;
    this.#subscriptions = new Subscriptions(link, logger);
    this.display = target.display;
    this.bus = new CeleryRemote({
      transport: new RedisRemote(link, keys, this.#subscriptions, logger),
      clock,
      logger,
      display: target.display,
    });
    this.results = new RedisResults({
      link,
      keys,
      settler,
      logger,
      subscriptions: this.#subscriptions,
      onRevoked: (ids) => this.bus.revoke(ids),
    });
    const publisher = new RedisPublisher(link, keys, settler, this.results);
    this.broker = new RedisBroker({
      link,
      keys,
      clock,
      logger,
      publisher,
      settler,
      defaultQueue,
      watch: this.bus,
    });
    this.canvas = this.#createCanvas(context, settler, publisher);
    this.leases = createLeases(link, keys);
    this.schedules = createSchedules(link, keys);
    this.limits = createRateLimiter(link, keys);
    this.monitor = new RedisMonitor(link, keys);
  }

  #createCanvas(
    { clock, defaultQueue = 'celery' }: DriverContext,
    settler: RedisSettler,
    publisher: RedisPublisher,
  ): CeleryCanvas {
    return new CeleryCanvas({
      now: () => clock.now(),
      defaultQueue,
      priority: toWirePriority,
      send: async ({ calls, sizes }) => {
        if (sizes.length > 0) await settler.settle({ sizes });
        await publisher.send(calls);
      },
      settler: () => settler,
      expect: (ids, inbox, group) => this.results.expect(ids, inbox, group),
      saveGroup: (id, members) => this.results.saveGroup(id, members, groupTtl),
      find: (id) => this.broker.find(id),
    });
  }

  check(timeout: number): Promise<StoreReport> {
    return this.#link.run(async (client) => {
      const info = await client.info();
      const value = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
      const policy = value('maxmemory_policy');
      const evicts = policy !== undefined && policy !== 'noeviction';
      const warnings = evicts
        ? [`Redis may evict tasks when it is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction.`]
        : [];
      return { version: `Celery on Redis ${value('redis_version') ?? 'unknown'}`, warnings };
    }, timeout);
  }

  async close(deadline: number): Promise<void> {
    const late = new Promise<void>((resolve) => void this.#link.clock.after(deadline, resolve, { background: true }));
    await Promise.race([this.broker.close(), late]);
    await Promise.race([this.bus.close(), late]);
    this.#subscriptions.close();
    this.#link.close();
  }
}
