import type { CanvasSender } from '../canvas/canvas-sender.ts';
import type { BrokerClock, Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { Broadcaster } from '../messaging/broadcast.ts';
import { TopicGroups } from '../messaging/topic-groups.ts';
import { AppTopics } from '../messaging/topics.ts';
import type { Producer } from '../producer/publish.ts';
import type { ResultContext } from '../results/async-result.ts';
import type { Settings } from '../settings/app-options.ts';
import type { Stores } from '../stores/stores.ts';
import type { AppWorkflows } from '../workflow/app-workflows.ts';
import { AppGates } from './gates.ts';

/** The parts of an app that carry messages to more than one. */
export interface Messaging {
  readonly topics: AppTopics;
  readonly topicGroups: TopicGroups;
  readonly broadcaster: Broadcaster;
  readonly gates: AppGates;
}

/** What they need of it. */
export interface MessagingParts {
  readonly clock: Clock;
  readonly brokerClock: BrokerClock;
  readonly logger: Logger;
  readonly settings: Settings;
  readonly stores: Stores;
  readonly producer: Producer;
  readonly results: ResultContext;
  readonly canvas: CanvasSender;
  readonly workflows: AppWorkflows;
}

/** Makes these parts. Throws {@link ConfigurationError} for queues that cannot be. */
export function createMessaging(app: string, parts: MessagingParts): Messaging {
  const { settings, stores, producer, canvas, brokerClock, workflows } = parts;
  const definitionOf = (task: string) => canvas.definitionOf(task);
  const topicGroups = new TopicGroups({ app, stores, producer, definitionOf });
  const maxPayload = { bytes: settings.maxPayload, option: 'maxPayload' };
  return {
    topicGroups,
    topics: new AppTopics({ ...parts, maxPayload, groups: topicGroups, definitionOf }),
    gates: new AppGates({ stores, canvas, workflows, maxResult: { bytes: settings.maxResult, option: 'maxResult' } }),
    broadcaster: new Broadcaster({ ...parts, clock: brokerClock, queues: settings.broadcastQueues, definitionOf }),
  };
}
