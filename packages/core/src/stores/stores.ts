import type { ReplaceableClock } from '../clock.ts';
import type { AccessGrant, AccessRequest } from '../driver/access.ts';
import type { Broker } from '../driver/broker.ts';
import type { Bus } from '../driver/bus.ts';
import type { Connection, Driver, DriverContext } from '../driver/driver.ts';
import type { LeaseStore } from '../driver/lease-store.ts';
import type { Monitor } from '../driver/monitor.ts';
import type { ResultBackend } from '../driver/result-backend.ts';
import type { ScheduleStore } from '../driver/schedule-store.ts';
import type { SharedRegistry } from '../driver/shared-registry.ts';
import type { UniqueKeyStore } from '../driver/unique-key-store.ts';
import { ClosedError, ConfigurationError, NotSupportedError } from '../errors.ts';
import type { HistoryStore } from '../history/history-store.ts';
import type { Logger } from '../logger.ts';
import type { MaybePromise } from '../options/schema.ts';
import type { Sealer } from '../security/sealer.ts';
import type { Settings } from '../settings/app-options.ts';
import { hideSecret, loadDriver } from './driver-url.ts';

/** The app's connections once they are open. */
export interface OpenStores {
  readonly broker: Broker;
  readonly brokerConnection: Connection;
  /** Where the results are kept; undefined: the app stores none. */
  readonly resultConnection: Connection | undefined;
  /** All of them, each once. */
  readonly connections: readonly Connection[];
  /** undefined: the app stores no results. */
  readonly results: ResultBackend | undefined;
  readonly bus: Bus | undefined;
  readonly monitor: Monitor | undefined;
  readonly leases: LeaseStore | undefined;
  readonly uniqueKeys: UniqueKeyStore | undefined;
  readonly schedules: ScheduleStore | undefined;
  readonly sharedRegistry: SharedRegistry | undefined;
  /** On the result backend where that keeps one, else on the broker. */
  readonly history: HistoryStore | undefined;
  /** An outcome that rides on the ack is stored by the broker itself. */
  readonly acksWithOutcome: boolean;
  readonly acksWithJoin: boolean;
}

/** What the stores need beside the settings. */
export interface StoresContext {
  readonly clock: ReplaceableClock;
  readonly logger: Logger;
  readonly drivers: readonly Driver[];
  /** Signs and encrypts what the stores get. Absent: nothing does. */
  readonly sealer?: Sealer | undefined;
}

/** Opens the broker and the result backend when something first needs them, once. */
export class Stores {
  readonly #settings: Settings;
  readonly #context: DriverContext;
  readonly #clock: ReplaceableClock;
  #replaced: Driver | undefined;
  readonly #drivers: readonly Driver[];
  #opening: Promise<OpenStores> | undefined;
  readonly #connections: Connection[] = [];
  #open: OpenStores | undefined;
  #closed = false;
  readonly #sealer: Sealer | undefined;

  readonly #source: string;

  constructor(settings: Settings, brokerSource: string, { clock, logger, drivers, sealer }: StoresContext) {
    this.#settings = settings;
    this.#source = brokerSource;
    this.#drivers = drivers;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#context = {
      clock,
      logger,
      prefix: settings.prefix,
      connection: settings.connection,
      defaultQueue: settings.taskDefaultQueue,
      publishTimeout: settings.publishTimeout,
      retention: settings.retention,
      history: settings.history,
    };
  }

  /** False: `backend: 'none'`. */
  get storesResults(): boolean {
    return this.#settings.backend !== 'none';
  }

  /** The broker's URL without its password. */
  get display(): string {
    return hideSecret(this.#settings.broker);
  }

  /** The stores when they are open already, for the hot path. */
  get current(): OpenStores | undefined {
    return this.#open;
  }

  /** The broker's user with the least rights for a role; nothing is opened. Throws {@link NotSupportedError}. */
  async access(request: Omit<AccessRequest, 'prefix'>): Promise<AccessGrant> {
    const { broker, prefix } = this.#settings;
    const driver = await loadDriver(broker, this.#drivers);
    if (driver.access) return driver.access(broker, { ...request, prefix });
    throw new NotSupportedError(`${this.display} has no users of its own: there is nothing to grant`);
  }

  /** How many milliseconds the broker's clock is ahead of this machine's. */
  clockOffset(): MaybePromise<number> {
    const open = this.#open;
    if (open === undefined) return this.open().then((stores) => stores.brokerConnection.clockOffset?.() ?? 0);
    return open.brokerConnection.clockOffset?.() ?? 0;
  }

  open(): Promise<OpenStores> {
    if (this.#closed) return Promise.reject(new ClosedError('the app'));
    this.#opening ??= this.#openAll();
    return this.#opening;
  }

  /** Lets every store delete what is over and too old or too much. */
  async sweep(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.sweep?.()));
  }

  /** Closes what was opened, within `deadline` milliseconds. */
  async close(deadline: number): Promise<void> {
    this.#closed = true;
    await this.#opening?.catch(() => undefined); // its error was given to whoever asked for the stores
    await Promise.all(this.#connections.map((connection) => connection.close(deadline)));
  }

  /**
   * Closes what was opened; what is opened next is a store of `driver`, or what the settings say. For tests. Throws
   * {@link ConfigurationError} when real stores have been opened.
   */
  async replace(driver: Driver | undefined): Promise<void> {
    if (driver && (this.#opening || this.#replaced))
      throw new ConfigurationError(
        'this app is in use already: make its test app before its first call, and close the last one',
      );
    await this.#opening?.catch(() => undefined);
    await Promise.all(this.#connections.splice(0).map((connection) => connection.close(0)));
    [this.#opening, this.#open, this.#replaced] = [undefined, undefined, driver];
  }

  async #openAll(): Promise<OpenStores> {
    const { broker: brokerUrl, backend: backendUrl } = this.#replaced ? replacedUrls(this.#settings) : this.#settings;
    if (!this.#replaced) this.#sayWhichBroker();
    const brokerConnection = await this.#connect(brokerUrl);
    const shared = backendUrl === undefined || backendUrl === brokerUrl;
    const resultConnection = this.storesResults
      ? shared
        ? brokerConnection
        : await this.#connect(backendUrl)
      : undefined;
    const { broker } = brokerConnection;
    if (broker === undefined)
      throw new NotSupportedError(`${hideSecret(brokerUrl)} can keep results but carries no tasks`);
    if (resultConnection && !resultConnection.results) {
      throw new NotSupportedError(`${hideSecret(backendUrl ?? brokerUrl)} keeps no results: set the option backend`);
    }
    this.#open = {
      broker,
      brokerConnection,
      resultConnection,
      connections: [...this.#connections],
      results: resultConnection?.results,
      bus: brokerConnection.bus,
      monitor: brokerConnection.monitor,
      leases: brokerConnection.leases ?? resultConnection?.leases,
      uniqueKeys: brokerConnection.uniqueKeys,
      schedules: brokerConnection.schedules ?? resultConnection?.schedules,
      sharedRegistry: brokerConnection.sharedRegistry,
      history: resultConnection?.history ?? brokerConnection.history,
      acksWithOutcome: brokerConnection.acksWithOutcome && storesTogether(brokerConnection, resultConnection),
      acksWithJoin: resultConnection === brokerConnection && brokerConnection.acksWithJoin === true,
    };
    return this.#open;
  }

  /** A broker that nobody named is said aloud, once. */
  #sayWhichBroker(): void {
    const { logger } = this.#context;
    if (this.#source === 'environment REDIS_URL') logger.info(`broker ${this.display}, from REDIS_URL`);
    if (this.#source !== 'default') return;
    logger.info(
      'broker memory:// (no broker URL given): tasks live and end with this process; set LOVAGE_BROKER_URL to keep them',
    );
  }

  async #connect(url: string): Promise<Connection> {
    const driver = this.#replaced ?? (await loadDriver(url, this.#drivers));
    if (this.#closed) throw new ClosedError('the app');
    const connection = driver.connect(url, { ...this.#context, clock: this.#clock.current });
    this.#connections.push(connection);
    if (!this.#sealer) return connection;
    const { sealConnection } = await import('../security/sealed-connection.ts');
    return sealConnection(connection, this.#sealer, this.#context.logger);
  }
}

/** Whether the broker's acks may carry outcomes: the results are its own, or it stores them in that other place. */
function storesTogether(broker: Connection, results: Connection | undefined): boolean {
  if (results === broker) return true;
  return results?.results !== undefined && broker.canvas?.storeIn?.(results.results) === true;
}

/** One store for tasks and results. */
function replacedUrls({ backend }: Settings): Pick<Settings, 'broker' | 'backend'> {
  return { broker: 'memory://', backend: backend === 'none' ? backend : undefined };
}
