import { onAbort } from '../abort-signal.ts';
import type { Clock } from '../clock.ts';
import type { Bus } from '../driver/bus.ts';
import type { Subscription } from '../driver/result-backend.ts';

/** Between two looks at a lease, when a bell tells of releases (a lost ring, a holder that died), and when none does. */
const looks = { withNotifier: 500, without: 50 };

/** Tells waiters that a lease was released: a doorbell over the bus. A ring may be lost, so they also look now and then. */
export class LockReleaseNotifier {
  readonly #bus: Bus | undefined;
  readonly #clock: Clock;
  readonly #topic: string;
  #hearing: Promise<Subscription | undefined> | undefined;
  #notifications = 0;
  readonly #listeners = new Set<() => void>();

  constructor(name: string, bus: Bus | undefined, clock: Clock) {
    this.#topic = `lease.${Buffer.from(name).toString('base64url')}`;
    this.#bus = bus;
    this.#clock = clock;
  }

  /** How often it has rung. */
  get count(): number {
    return this.#notifications;
  }

  /** Starts to listen; resolves when rings are heard, or cannot be. */
  async listen(): Promise<void> {
    this.#hearing ??= this.#subscribe();
    await this.#hearing;
  }

  /** Rings for everybody who listens now. Never rejects: a lost ring costs half a second. */
  async notify(): Promise<void> {
    await this.#bus?.publish(this.#topic, null).catch(() => {});
  }

  /** Resolves when it has rung more than `heard` times, when it is time to look again, or when `signal` aborts. */
  async next(seen: number, signal: AbortSignal | undefined): Promise<void> {
    const count = (await this.#hearing) !== undefined;
    if (this.#notifications > seen || signal?.aborted) return;
    const base = count ? looks.withNotifier : looks.without;
    const wait = Math.round(base * (0.75 + Math.random() / 4)); // so that contenders do not look in step
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#listeners.delete(wake);
        forget?.();
        resolve();
      };
      const timer = this.#clock.after(wait, wake);
      this.#listeners.add(wake);
      const forget = signal && onAbort(signal, wake);
    });
  }

  /** Stops listening. */
  close(): void {
    const hearing = this.#hearing;
    this.#hearing = undefined;
    void hearing?.then((subscription) => subscription?.close()).catch(() => {}); // it ends with the connection
  }

  async #subscribe(): Promise<Subscription | undefined> {
    try {
      return await this.#bus?.subscribe(this.#topic, () => this.#notified());
    } catch {
      return undefined; // then looking must do
    }
  }

  #notified(): void {
    this.#notifications += 1;
    for (const wake of [...this.#listeners]) wake();
  }
}
