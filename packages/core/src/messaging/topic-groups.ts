import type { SharedRegistry } from '../driver/shared-registry.ts';
import { ConfigurationError, NotSupportedError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import { queueName, readOptions } from '../options/option-reader.ts';
import type { Producer } from '../producer/publish.ts';
import type { Stores } from '../stores/stores.ts';
import type { TaskDefinition } from '../task/task.ts';
import { matchesTopic, topicPattern } from './topic-pattern.ts';

/** A durable subscription as every publisher knows it. */
export interface TopicGroup {
  readonly name: string;
  /** The app whose code declares it. */
  readonly app: string;
  readonly pattern: string;
  /** The task that is sent for each message. */
  readonly task: string;
  readonly queue: string;
}

/** Options of `app.subscription`. */
export interface SubscriptionOptions {
  /** Where its tasks wait. @default the task's queue */
  readonly queue?: string;
}

/** What groups need of the app. */
export interface GroupContext {
  readonly app: string;
  readonly stores: Stores;
  readonly producer: Pick<Producer, 'queueOf'>;
  readonly definitionOf: (task: string) => TaskDefinition;
}

type Declared = Omit<TopicGroup, 'app' | 'queue'> & SubscriptionOptions;

const namespace = 'topic-groups';

/** The durable subscriptions: those of the code, and those that the store knows of all apps. */
export class TopicGroups {
  readonly #context: GroupContext;
  readonly #declared = new Map<string, Declared>();
  #written: Promise<void> | undefined;
  #reading: Promise<readonly TopicGroup[]> | undefined;

  constructor(context: GroupContext) {
    this.#context = context;
  }

  /** Throws {@link ConfigurationError}. */
  declare(name: string, pattern: string, task: { readonly name: string }, given: SubscriptionOptions = {}): void {
    if (typeof name !== 'string' || !/^[\w.-]{1,100}$/.test(name)) {
      throw new ConfigurationError(
        `app.subscription(group): a group's name is of letters, digits and _ . -, received ${JSON.stringify(name)}`,
      );
    }
    const where = `subscription "${name}"`;
    if (this.#declared.has(name)) throw new ConfigurationError(`${where} is already declared in this app`);
    if (typeof task?.name !== 'string') {
      throw new ConfigurationError(`${where}: the third parameter is the task that is sent for each message`);
    }
    const options = readOptions(given, { queue: queueName }, where);
    this.#declared.set(name, { name, pattern: topicPattern(pattern, where), task: task.name, ...options });
    this.#written = undefined;
  }

  /** Writes what the code declares, once. Throws {@link ConfigurationError} for a group that another app has. */
  register(): Promise<void> {
    if (this.#declared.size === 0) return Promise.resolve();
    this.#written ??= this.#write().catch((error: unknown) => {
      this.#written = undefined; // the next one tries again
      throw error;
    });
    return this.#written;
  }

  /** The groups that a message of this topic is for. Reads anew: who subscribed a moment ago is among them. */
  async matching(topic: string): Promise<readonly TopicGroup[]> {
    await this.register();
    return (await this.list()).filter(({ pattern }) => matchesTopic(pattern, topic));
  }

  /** All groups, of every app on this broker. Those who ask in one turn of the event loop share one look. */
  list(): Promise<readonly TopicGroup[]> {
    this.#reading ??= Promise.resolve().then(() => {
      this.#reading = undefined;
      return this.#read();
    });
    return this.#reading;
  }

  /** Deletes a group: nothing is sent for it any more. Its waiting tasks stay. False: there was none. */
  async remove(name: string): Promise<boolean> {
    const sharedRegistry = await this.#sharedRegistry();
    return sharedRegistry !== undefined && (await sharedRegistry.remove(namespace, [name])) > 0;
  }

  async #read(): Promise<readonly TopicGroup[]> {
    const entries = (await (await this.#sharedRegistry())?.list(namespace)) ?? [];
    return entries.flatMap(({ name, value }) => readGroup(name, value) ?? []);
  }

  async #write(): Promise<void> {
    const sharedRegistry = await this.#sharedRegistry();
    if (sharedRegistry === undefined) {
      throw new NotSupportedError(`${this.#context.stores.display} keeps no directory: durable subscriptions need one`);
    }
    const known = new Map((await this.#read()).map((group) => [group.name, group]));
    for (const declared of this.#declared.values()) {
      const { name, ...group } = this.#resolve(declared);
      const before = known.get(name);
      if (before && before.app !== group.app) {
        throw new ConfigurationError(
          `subscription "${name}" belongs to app "${before.app}": give this one another name, or remove that one`,
        );
      }
      if (JSON.stringify(before) !== JSON.stringify({ name, ...group }))
        await sharedRegistry.put(namespace, name, group);
    }
  }

  #resolve({ name, pattern, task, queue }: Declared): TopicGroup {
    const { app, producer, definitionOf } = this.#context;
    return { name, app, pattern, task, queue: queue ?? producer.queueOf(definitionOf(task)) };
  }

  async #sharedRegistry(): Promise<SharedRegistry | undefined> {
    const { stores } = this.#context;
    return (stores.current ?? (await stores.open())).sharedRegistry;
  }
}

/** A group as the directory has it; undefined for anything else that is there. */
function readGroup(name: string, value: JsonValue): TopicGroup | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { app, pattern, task, queue } = value as Readonly<Record<string, JsonValue>>;
  const texts = [app, pattern, task, queue];
  if (!texts.every((text) => typeof text === 'string' && text !== '')) return undefined;
  return { name, app, pattern, task, queue } as TopicGroup;
}
