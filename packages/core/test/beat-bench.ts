import type { Clock } from '../src/clock.ts';
import type { Connection, Driver } from '../src/driver/driver.ts';
import { memoryDriver } from '../src/driver/memory/memory-driver.ts';
import { Lovage } from '../src/index.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';

/** What a test can do to the process that an app stands for. */
export interface Process {
  /** From now on the store hears nothing of it: no renewal, no publish, no release. As SIGKILL, seen from the store. */
  kill(): void;
  /** Requests to the store stay under way until `resume`, as those of a process under SIGSTOP. */
  pause(): void;
  resume(): void;
}

/** A store that several apps share, each as if in a process of its own. */
export class BeatBench {
  readonly clock: Clock;
  readonly #store = `memory://${newTaskId()}`;
  readonly #apps: ReturnType<BeatBench['app']>[] = [];

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** An app of a process, and a hand on that process. */
  app(name = 'shop'): Lovage & { readonly process: Process } {
    const gate = new Gate();
    const app = new Lovage(name, {
      broker: this.#store,
      clock: this.clock,
      drivers: [gate.around(memoryDriver)],
      logger: silentLogger,
    });
    const whole = Object.assign(app, { process: gate });
    this.#apps.push(whole);
    return whole;
  }

  /** The store itself. */
  connect(): Connection {
    const connection = { socketTimeout: 1000, connectTimeout: 1000 };
    return memoryDriver.connect(this.#store, {
      clock: this.clock,
      logger: silentLogger,
      prefix: undefined,
      connection,
      publishTimeout: 1000,
    });
  }

  close(): Promise<unknown> {
    for (const app of this.#apps) app.process.resume();
    return Promise.all(this.#apps.map((app) => app.close()));
  }
}

class Gate implements Process {
  #open: Promise<void> | undefined;
  #dead = false;
  #resume: () => void = () => {};

  kill(): void {
    this.pause();
    this.#dead = true;
  }

  pause(): void {
    this.#open ??= new Promise((resolve) => {
      this.#resume = () => {
        this.#open = undefined;
        resolve();
      };
    });
  }

  resume(): void {
    this.#resume();
  }

  around(driver: Driver): Driver {
    return {
      ...driver,
      connect: (url, context) => {
        const connection = driver.connect(url, context);
        return {
          ...connection,
          display: connection.display,
          acksWithOutcome: connection.acksWithOutcome,
          broker: this.#guard(connection.broker),
          leases: this.#guard(connection.leases),
          schedules: this.#guard(connection.schedules),
          bus: connection.bus,
          results: connection.results,
          monitor: connection.monitor,
          check: (timeout: number) => connection.check(timeout),
          close: (deadline: number) => connection.close(deadline),
        } as Connection;
      },
    };
  }

  /** Requests wait while the gate is closed; `close` and `consume` never do. */
  #guard<T extends object>(part: T | undefined): T {
    const leases = ['acquire', 'renew', 'release'];
    const gated = new Set(['publish', ...leases, 'list', 'get', 'version', 'save', 'markFired', 'remove']);
    return new Proxy(part as T, {
      get: (target, key) => {
        const member = Reflect.get(target, key);
        if (typeof member !== 'function') return member;
        if (!gated.has(String(key))) return member.bind(target);
        return async (...args: unknown[]) => {
          while (this.#open) await this.#open;
          if (this.#dead) throw new Error('the process is gone');
          return member.apply(target, args);
        };
      },
    });
  }
}

/** A resource that takes writes only under the largest fence it has seen; `checks: false` is the control. */
export class FencedResource {
  readonly writes: { readonly by: string; readonly fence: number }[] = [];
  readonly refused: { readonly by: string; readonly fence: number }[] = [];
  readonly #checks: boolean;
  #largest = 0;

  constructor(checks = true) {
    this.#checks = checks;
  }

  write(by: string, fence: number): void {
    if (this.#checks && fence < this.#largest) {
      this.refused.push({ by, fence });
      return;
    }
    this.#largest = Math.max(this.#largest, fence);
    this.writes.push({ by, fence });
  }
}
