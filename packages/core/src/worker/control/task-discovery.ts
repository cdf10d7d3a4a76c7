import type { Clock, Timer } from '../../clock.ts';
import type { Bus } from '../../driver/bus.ts';
import type { Subscription } from '../../driver/result-backend.ts';
import type { Logger } from '../../logger.ts';
import type { JsonValue } from '../../message/json.ts';
import type { TaskRegistry } from '../../task/task.ts';

/** Where workers ask who can run a task, and where those that can answer; all workers hear both. */
const askTopic = 'task-discovery.ask';
const answerTopic = 'task-discovery.answer';
/** How long an answer is believed, and how often it is asked for anew while messages of the task come, in milliseconds. */
const believedFor = 10_000;
const askInterval = 3_000;
/** Of many workers that could answer one does: each waits for up to so long, and leaves it where another was heard. */
const answerSpread = 20;
const answeredFor = 1_000;
/** Tasks that are remembered. */
const maxTasks = 1_000;

/** What discovery needs. */
export interface TaskDiscoveryOptions {
  /** undefined: the broker has no bus, and nothing is known of other workers. */
  readonly bus: Bus | undefined;
  readonly registry: TaskRegistry;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** A task in a queue. */
interface Subject {
  readonly task: string;
  readonly queue: string;
}

/**
 * Finds out whether another worker of a queue can run a task that this one does not define: two apps may share a queue. Nothing
 * is sent until such a message is met.
 */
export class TaskDiscovery {
  readonly #options: TaskDiscoveryOptions;
  readonly #answeredAt = new Map<string, number>();
  readonly #askedAt = new Map<string, number>();
  readonly #timers = new Set<Timer>();
  readonly #subscriptions: Subscription[] = [];
  #closed = false;

  constructor(options: TaskDiscoveryOptions) {
    this.#options = options;
  }

  /** Answers from now on for the tasks of these queues. Rejects where the bus refuses. */
  async start(queues: () => readonly string[]): Promise<void> {
    const { bus } = this.#options;
    if (bus === undefined) return;
    this.#hold(await bus.subscribe(answerTopic, (input) => this.#noteAnswer(input)));
    this.#hold(await bus.subscribe(askTopic, (input) => this.#answer(input, queues())));
  }

  /** Whether another worker said lately that it can run the task. Asks, now and then. */
  isKnown(subject: Subject): boolean {
    const key = keyOf(subject);
    this.#ask(subject, key);
    return this.#isRecent(this.#answeredAt.get(key), believedFor);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) timer.cancel();
    for (const subscription of this.#subscriptions) void subscription.close().catch(() => undefined); // ends with the app in any case
  }

  #hold(subscription: Subscription): void {
    this.#subscriptions.push(subscription);
    if (this.#closed) this.close();
  }

  #ask({ task, queue }: Subject, key: string): void {
    const { bus, logger } = this.#options;
    if (bus === undefined || this.#isRecent(this.#askedAt.get(key), askInterval)) return;
    this.#note(this.#askedAt, key);
    bus
      .publish(askTopic, { task, queue })
      .catch((error: unknown) => logger.debug('could not ask who can run a task', { task, error }));
  }

  #answer(input: JsonValue, queues: readonly string[]): void {
    const subject = parseSubject(input);
    if (subject === undefined || this.#closed || !queues.includes(subject.queue) || !this.#defines(subject.task))
      return;
    const { clock, random } = this.#options;
    const timer = clock.after(random() * answerSpread, () => {
      this.#timers.delete(timer);
      this.#sayKnown(subject);
    });
    this.#timers.add(timer);
  }

  #sayKnown({ task, queue }: Subject): void {
    const { bus, logger } = this.#options;
    if (this.#isRecent(this.#answeredAt.get(keyOf({ task, queue })), answeredFor)) return;
    bus
      ?.publish(answerTopic, { task, queue })
      .catch((error: unknown) => logger.debug('could not say that this worker can run a task', { task, error }));
  }

  #defines(task: string): boolean {
    return this.#options.registry.get(task)?.handler !== undefined;
  }

  #noteAnswer(input: JsonValue): void {
    const subject = parseSubject(input);
    if (subject) this.#note(this.#answeredAt, keyOf(subject));
  }

  #note(times: Map<string, number>, key: string): void {
    if (times.size >= maxTasks) times.clear();
    times.set(key, this.#options.clock.monotonic());
  }

  #isRecent(at: number | undefined, ms: number): boolean {
    return at !== undefined && this.#options.clock.monotonic() - at < ms;
  }
}

function keyOf({ task, queue }: Subject): string {
  return JSON.stringify([queue, task]);
}

/** A subject from the wire; undefined for anything else, since the bus is open to whoever reaches the broker. */
function parseSubject(input: JsonValue): Subject | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return undefined;
  const { task, queue } = input as { readonly [key: string]: JsonValue };
  if (typeof task !== 'string' || typeof queue !== 'string' || task.length + queue.length > 2_000) return undefined;
  return { task, queue };
}
