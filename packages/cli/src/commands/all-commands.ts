import type { Command, CommandFamily } from '../command.ts';
import { beatCommand } from './beat.ts';
import { broadcastCommand } from './broadcast.ts';
import { callCommand } from './call.ts';
import { capacityCommand } from './capacity.ts';
import { configCommand } from './config.ts';
import { controlFamily } from './control.ts';
import { dlqFamily } from './dlq.ts';
import { eventsCommand } from './events.ts';
import { gateFamily } from './gate.ts';
import { graphCommand } from './graph.ts';
import { healthCommand } from './health.ts';
import { inspectFamily } from './inspect.ts';
import { orderingCommand } from './ordering.ts';
import { purgeCommand } from './purge.ts';
import { queuesFamily } from './queues.ts';
import { resultCommand } from './result.ts';
import { scheduleCommand } from './schedule.ts';
import { statusCommand } from './status.ts';
import { topicsFamily } from './topics.ts';
import { workerCommand } from './worker.ts';

/** Every command, in the order in which --help lists them. */
export const allCommands: readonly (Command | CommandFamily)[] = [
  workerCommand,
  beatCommand,
  callCommand,
  resultCommand,
  queuesFamily,
  capacityCommand,
  graphCommand,
  gateFamily,
  broadcastCommand,
  topicsFamily,
  purgeCommand,
  statusCommand,
  inspectFamily,
  controlFamily,
  eventsCommand,
  dlqFamily,
  scheduleCommand,
  orderingCommand,
  healthCommand,
  configCommand,
];
