import type { Connection, DriverContext, NativeCanvas, StoreReport } from '@lovage/core/driver';
import { CeleryCanvas } from '../canvas/celery-canvas.ts';
import { RedisResults } from '../redis/redis-results.ts';
import { CeleryRemote } from '../remote/celery-remote.ts';
import { AmqpBroker, samePriority } from './amqp-broker.ts';
import { AmqpLink } from './amqp-link.ts';
import { AmqpMonitor } from './amqp-monitor.ts';
import { AmqpRemote } from './amqp-remote.ts';
import { AmqpResults } from './amqp-results.ts';
import { AmqpSettler } from './amqp-settler.ts';
import { parseAmqpUrl } from './amqp-url.ts';
import { Deliveries } from './deliveries.ts';
import { Topology } from './topology.ts';

const groupTtl = 86_400_000;

/** A Celery fleet's RabbitMQ: its queues, RPC results and remote control. Nothing is connected before the first use. */
export class AmqpConnection implements Connection {
  readonly display: string;
  readonly acksWithOutcome = true;
  readonly broker: AmqpBroker;
  readonly results: AmqpResults;
  readonly canvas: NativeCanvas;
  readonly bus: CeleryRemote;
  readonly monitor: AmqpMonitor;
  readonly #link: AmqpLink;
  readonly #settler: AmqpSettler;
  /** Where results go instead of to their callers' queues. */
  #store: RedisResults | undefined;

  constructor(url: string, context: DriverContext) {
    const target = parseAmqpUrl(url);
    const { clock, logger, connection, publishTimeout, defaultQueue = 'celery' } = context;
    const link = new AmqpLink(target, clock, { ...connection, timeout: publishTimeout, logger });
    const topology = new Topology(link);
    const deliveries = new Deliveries();
    this.#link = link;
    this.display = target.display;
    this.bus = new CeleryRemote({
      transport: new AmqpRemote(link, topology, logger),
      clock,
      logger,
      display: target.display,
    });
    this.results = new AmqpResults({ link, clock, logger, onRevoked: (ids) => this.bus.revoke(ids) });
    this.#settler = new AmqpSettler({
      link,
      topology,
      endDelivery: deliveries.end,
      sendResult: (write) => this.results.send(write),
    });
    this.broker = new AmqpBroker({
      link,
      topology,
      deliveries,
      clock,
      logger,
      settler: this.#settler,
      defaultQueue,
      watch: this.bus,
      expect: (ids, inbox) => this.#expecting().expect(ids, inbox),
    });
    this.canvas = this.#createCanvas(context);
    this.monitor = new AmqpMonitor(link, () => this.broker.queues);
  }

  #expecting(): AmqpResults | RedisResults {
    return this.#store ?? this.results;
  }

  #createCanvas({ clock, defaultQueue = 'celery' }: DriverContext): CeleryCanvas {
    return new CeleryCanvas({
      now: () => clock.now(),
      defaultQueue,
      priority: samePriority,
      send: async ({ calls, sizes }) => {
        if (sizes.length > 0) await this.#settler.settle({ sizes });
        await Promise.all(calls.map((call) => this.#settler.publish(call)));
      },
      settler: () => this.#settler,
      expect: (ids, inbox, group) => this.#expecting().expect(ids, inbox, group),
      saveGroup: async (id, members) => this.#store?.saveGroup(id, members, groupTtl),
      find: (id) => this.broker.find(id),
      storeIn: (results) => this.#storeIn(results),
    });
  }

  #storeIn(results: unknown): boolean {
    if (!(results instanceof RedisResults)) return false;
    this.#store = results;
    this.#settler.useStore(results.settler);
    results.onRevoked = (ids) => this.bus.revoke(ids);
    return true;
  }

  async check(timeout: number): Promise<StoreReport> {
    await this.#link.once(async () => {}, timeout);
    return { version: 'Celery on RabbitMQ', warnings: [] };
  }

  async close(deadline: number): Promise<void> {
    const late = new Promise<void>((resolve) => void this.#link.clock.after(deadline, resolve, { background: true }));
    await Promise.race([this.broker.close(), late]);
    await Promise.race([this.bus.close(), late]);
    await this.results.close();
    await this.#link.close(Math.min(deadline, 1_000));
  }
}
