import { type Clock, sleep } from '../clock.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { NotSupportedError } from '../errors.ts';
import { type EventOf, type EventType, eventTopic, type LovageEvent } from '../events/event.ts';
import { listeningLead } from '../events/event-sender.ts';
import type { Logger } from '../logger.ts';
import { unknownName } from '../options/option-reader.ts';
import type { Stores } from '../stores/stores.ts';

/** The events of the whole fleet, as they happen: at most once, while their workers have events switched on. */
export class AppEvents {
  readonly #stores: Stores;
  readonly #logger: Logger;
  readonly #clock: Clock;

  constructor({ stores, logger, clock }: { readonly stores: Stores; readonly logger: Logger; readonly clock: Clock }) {
    this.#stores = stores;
    this.#logger = logger;
    this.#clock = clock;
  }

  /**
   * Calls `listener` for each event of a type (`'task.failed'`), or for all (`'*'`). Resolves when every worker that sends
   * events has noticed: it hears all that comes from then on. A listener
   * that throws is logged and goes on. Throws {@link ConfigurationError} for a type that does not exist.
   */
  async on(type: '*', listener: (event: LovageEvent) => void): Promise<Subscription>;
  async on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): Promise<Subscription>;
  async on(type: string, listener: (event: never) => void): Promise<Subscription> {
    const { eventTypes, parseEvents } = await import('../events/event-schema.ts'); // zod: 50 ms nobody else should pay
    if (type !== '*' && !eventTypes.includes(type as EventType))
      throw unknownName('event', type, eventTypes, 'events.on');
    const { bus } = await this.#stores.open();
    if (bus === undefined) throw new NotSupportedError('this broker does not support events');
    const listening = await bus.subscribe(eventTopic, (message) => {
      for (const event of parseEvents(message)) {
        if (type === '*' || event.type === type) this.#tell(listener as (event: LovageEvent) => void, event);
      }
    });
    if (bus.counts) await sleep(this.#clock, listeningLead); // senders that nobody heard look up that often
    return listening;
  }

  #tell(listener: (event: LovageEvent) => void, event: LovageEvent): void {
    try {
      listener(event);
    } catch (error) {
      this.#logger.error('an event listener threw', { event: event.type, error });
    }
  }
}
