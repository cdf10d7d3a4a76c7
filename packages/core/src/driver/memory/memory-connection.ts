import { ClosedError } from '../../errors.ts';
import type { HistoryStore } from '../../history/history-store.ts';
import type { Bus } from '../bus.ts';
import type { Connection, DriverContext, StoreReport } from '../driver.ts';
import type { LeaseStore } from '../lease-store.ts';
import type { Monitor } from '../monitor.ts';
import type { RateLimiter } from '../rate-limiter.ts';
import type { ResultBackend } from '../result-backend.ts';
import type { RevocationStore } from '../revocation-store.ts';
import type { ScheduleStore } from '../schedule-store.ts';
import type { Semaphore } from '../semaphore.ts';
import type { SharedRegistry } from '../shared-registry.ts';
import type { UniqueKeyStore } from '../unique-key-store.ts';
import type { WorkflowStore } from '../workflow-store.ts';
import { createMemoryLeases } from './coordination/memory-leases.ts';
import { createMemoryRevocations } from './coordination/memory-revocations.ts';
import { createMemorySchedules } from './coordination/memory-schedules.ts';
import { createMemorySharedRegistry } from './coordination/memory-shared-registry.ts';
import { createMemoryUniqueKeys } from './coordination/memory-unique-keys.ts';
import { MemoryBus } from './memory-bus.ts';
import { createMemoryHistory } from './memory-history.ts';
import type { MemoryStore } from './memory-store.ts';
import { createMemoryWorkflows } from './memory-workflows.ts';
import { MemoryBroker } from './queue/memory-consumer.ts';
import { createMemoryMonitor } from './queue/memory-monitor.ts';
import { MemoryResults } from './results/memory-results.ts';

const warning =
  'tasks and results live in this process only and are lost when it ends: set LOVAGE_BROKER_URL to a Redis to keep them';

/** An open connection to a store in this process. What it opened ends with it; the store may be shared. */
export class MemoryConnection implements Connection {
  readonly display: string;
  readonly acksWithOutcome = true;
  readonly acksWithJoin = true;
  readonly broker: MemoryBroker;
  readonly results: ResultBackend;
  readonly bus: Bus;
  readonly leases: LeaseStore;
  readonly uniqueKeys: UniqueKeyStore;
  readonly schedules: ScheduleStore;
  readonly sharedRegistry: SharedRegistry;
  readonly limits: RateLimiter;
  readonly revocations: RevocationStore;
  readonly semaphore: Semaphore;
  readonly workflows: WorkflowStore;
  readonly monitor: Monitor;
  readonly history: HistoryStore;
  /** For the test hooks. */
  readonly store: MemoryStore;
  #open = true;

  constructor(display: string, store: MemoryStore, context: DriverContext) {
    const assertOpen = (): void => this.#assertOpen();
    this.display = display;
    this.store = store;
    this.broker = new MemoryBroker(store);
    this.results = new MemoryResults(store.records, context.logger);
    this.bus = new MemoryBus(store.topics, context.logger);
    this.leases = createMemoryLeases(store.leases, assertOpen);
    this.uniqueKeys = createMemoryUniqueKeys(store.uniqueKeys, assertOpen);
    this.schedules = createMemorySchedules(store.schedules, assertOpen);
    this.sharedRegistry = createMemorySharedRegistry(store.namespaces, assertOpen);
    this.limits = store.limiter;
    this.revocations = createMemoryRevocations(store.revocations, assertOpen);
    this.semaphore = store.semaphore;
    this.workflows = createMemoryWorkflows(store.workflows, assertOpen);
    this.monitor = createMemoryMonitor(store, assertOpen);
    this.history = createMemoryHistory(store.history, assertOpen);
  }

  async sweep(): Promise<void> {
    this.#assertOpen();
    this.store.sweep();
  }

  async check(_timeout: number): Promise<StoreReport> {
    this.#assertOpen();
    return { version: 'in process', warnings: [warning] };
  }

  async close(deadline: number): Promise<void> {
    this.#open = false;
    await this.broker.close(deadline);
    await Promise.all([this.results.close(), this.bus.close()]);
  }

  #assertOpen(): void {
    if (!this.#open) throw new ClosedError(this.display);
  }
}
