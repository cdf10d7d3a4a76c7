import type { Clock, Timer } from '../../clock.ts';
import type { LovageEvent, WorkerEventFields } from '../../events/event.ts';
import type { EventSender } from '../../events/event-sender.ts';
import type { WorkerReport } from '../../events/worker-report.ts';

const heartbeatInterval = 2_000;
/** Names of running tasks in a heartbeat. */
const mostNames = 10;

/** Says on the bus that the worker is there, how it does, and when it goes; while events are switched on. */
export class WorkerEvents {
  readonly #sender: EventSender;
  readonly #clock: Clock;
  readonly #report: () => WorkerReport;
  #timer: Timer | undefined;

  constructor(sender: EventSender, clock: Clock, report: () => WorkerReport) {
    this.#sender = sender;
    this.#clock = clock;
    this.#report = report;
  }

  start(): void {
    if (this.#timer) return;
    this.#send('worker.online', {});
    this.#beat();
  }

  /** Says goodbye; resolves when the bus has it. */
  async stop(): Promise<void> {
    if (!this.#timer) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#send('worker.offline', {});
    await this.#sender.close();
  }

  #beat(): void {
    this.#timer = this.#clock.after(
      heartbeatInterval,
      () => {
        const { running, counts, loopLag, unpolledFor } = this.#report();
        const { succeeded, failed, retried } = counts;
        this.#send('worker.heartbeat', {
          running: running.length,
          succeeded,
          failed,
          retried,
          loopLag,
          tasks: [...new Set(running.map(({ task }) => task))].slice(0, mostNames),
          unpolledFor,
        });
        this.#beat();
      },
      { background: true },
    );
  }

  #send(type: LovageEvent['type'], fields: object): void {
    const { name, app, pid, queues, slots } = this.#report();
    const base: WorkerEventFields = { app, pid, queues, slots };
    const event = { type, at: this.#clock.now(), worker: name, ...base, ...fields };
    this.#sender.send(event as LovageEvent); // the fields are those of `type`, by the callers above
  }
}
