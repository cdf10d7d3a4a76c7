import type { Clock } from '../clock.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { ConfigurationError, NotSupportedError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { JsonValue } from '../message/json.ts';
import { assertJson, type SizeLimit } from '../message/payload-codec.ts';
import { newTaskId } from '../message/task-id.ts';
import { text } from '../options/option-reader.ts';
import type { Producer } from '../producer/publish.ts';
import type { Stores } from '../stores/stores.ts';
import type { TaskDefinition } from '../task/task.ts';
import { decodePayload, encodePayload, type Topic, type TopicMessage } from './topic.ts';
import type { TopicGroup, TopicGroups } from './topic-groups.ts';
import { TopicListener } from './topic-listener.ts';
import { busPatternOf, matchesTopic, topicName, topicPattern } from './topic-pattern.ts';

/** Hears messages of a topic. */
export type TopicHandler<T> = (payload: T, message: TopicMessage) => unknown;

/** Options of `app.publish`. */
export interface PublishOptions {
  /** An id of your own: published twice, each durable subscriber's task runs once. @default a new one */
  readonly id?: string;
}

/** What became of a message. */
export interface Published {
  readonly id: string;
  /** The durable subscriptions whose task was sent. */
  readonly groups: readonly string[];
}

/** The task of a durable subscriber. */
export interface SubscriberTask<T> {
  readonly name: string;
  delay(payload: T, message: TopicMessage): unknown;
}

/** What topics need of the app. */
export interface TopicContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stores: Stores;
  readonly producer: Producer;
  readonly maxPayload: SizeLimit;
  readonly groups: TopicGroups;
  readonly definitionOf: (task: string) => TaskDefinition;
}

const prefix = 'topic.';

/** Messages to whoever wants them: live (at most once), and to durable subscriptions (at least once). */
export class AppTopics {
  readonly #context: TopicContext;

  constructor(context: TopicContext) {
    this.#context = context;
  }

  /** See `app.publish`. */
  async publish(topic: string | Topic, payload: unknown, { id }: PublishOptions = {}): Promise<Published> {
    const { producer, stores, groups, clock, maxPayload } = this.#context;
    const { name, codec } = typeof topic === 'string' ? { name: topic, codec: undefined } : topic;
    topicName(name, 'app.publish');
    const encoded = (await encodePayload({ name, codec }, payload)) as JsonValue;
    assertJson(encoded, 'payload', maxPayload, `payload of topic "${name}"`);
    const message = { topic: name, id: id === undefined ? newTaskId() : messageId(id), at: clock.now() };
    const matching = await groups.matching(name);
    const tasks = await Promise.all(matching.map((group) => this.#taskOf(group, encoded, message)));
    if (tasks.length > 0) await producer.publish(tasks);
    const { bus } = await stores.open();
    await bus?.publish(prefix + name, { ...message, payload: encoded });
    return { id: message.id, groups: matching.map((group) => group.name) };
  }

  /** See `app.subscribe`. */
  async subscribe(pattern: string | Topic, handler: TopicHandler<never>): Promise<Subscription> {
    const { stores, logger } = this.#context;
    const topic = typeof pattern === 'string' ? { name: pattern, codec: undefined } : pattern;
    const name = topicPattern(topic.name, 'app.subscribe');
    if (typeof handler !== 'function') {
      throw new ConfigurationError(`app.subscribe("${name}"): the second parameter is a function (payload, message)`);
    }
    const { bus } = await stores.open();
    if (bus === undefined) throw new NotSupportedError('this broker does not support topics');
    const work = async (payload: JsonValue, message: TopicMessage): Promise<void> => {
      await handler((await decodePayload(topic, payload)) as never, message);
    };
    const listener = new TopicListener(name, work, logger);
    const heard = await bus.subscribe(busPatternOf(prefix + name), (input) => {
      const read = readMessage(input);
      if (read && matchesTopic(name, read.message.topic)) listener.add(read.payload, read.message);
    });
    return { close: async () => void (await Promise.all([heard.close(), listener.close()])) };
  }

  /** The durable subscriptions of every app on this broker. */
  groups(): Promise<readonly TopicGroup[]> {
    return this.#context.groups.list();
  }

  /** Writes the subscriptions that the code declares; a worker does it when it starts, a publisher when it first publishes. */
  register(): Promise<void> {
    return this.#context.groups.register();
  }

  /** Deletes a durable subscription that no code declares any more. Its waiting tasks stay. False: there was none. */
  remove(group: string): Promise<boolean> {
    return this.#context.groups.remove(group);
  }

  /** The id follows from message and group: a publish that is repeated sends no second task. */
  async #taskOf({ name, task, queue }: TopicGroup, payload: JsonValue, message: TopicMessage) {
    const { producer, definitionOf } = this.#context;
    const options = { queue, taskId: `topic~${message.id}~${name}`, ignoreResult: true, unique: false } as const;
    return (await producer.prepare(definitionOf(task), [payload, message], { options })).message;
  }
}

function messageId(id: unknown): string {
  const given = text(id, 'app.publish: option id');
  if (/^[\w.~-]{1,90}$/.test(given)) return given;
  throw new ConfigurationError(`app.publish: option id: "${given}": use up to 90 letters, digits and _ . ~ -`);
}

/** A message of the bus; undefined for anything else, since the bus is open to whoever reaches the broker. */
function readMessage(input: JsonValue): { readonly payload: JsonValue; readonly message: TopicMessage } | undefined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return undefined;
  const { topic, id, at, payload } = input as Readonly<Record<string, JsonValue>>;
  if (typeof topic !== 'string' || typeof id !== 'string' || typeof at !== 'number' || payload === undefined)
    return undefined;
  return { payload, message: { topic, id, at } };
}
