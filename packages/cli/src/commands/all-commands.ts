import type { Command, CommandFamily } from '../command.ts';
import { aclCommand } from './acl.ts';
import { beatCommand } from './beat.ts';
import { callCommand } from './call.ts';
import { celeryFamily } from './celery.ts';
import { configCommand } from './config.ts';
import { dashboardCommand } from './dashboard.ts';
import { dbFamily } from './db.ts';
import { devCommand } from './dev.ts';
import { doctorCommand } from './doctor.ts';
import { eventsCommand } from './events.ts';
import { failuresFamily } from './failures.ts';
import { gateFamily } from './gate.ts';
import { graphCommand } from './graph.ts';
import { initCommand } from './init.ts';
import { capacityCommand } from './queues/capacity.ts';
import { dlqFamily } from './queues/dlq.ts';
import { importFamily } from './queues/import.ts';
import { orderingCommand } from './queues/ordering.ts';
import { purgeCommand } from './queues/purge.ts';
import { queuesFamily } from './queues/queues.ts';
import { resultCommand } from './result.ts';
import { scheduleCommand } from './schedule.ts';
import { topCommand } from './top.ts';
import { topicsFamily } from './topics.ts';
import { broadcastCommand } from './workers/broadcast.ts';
import { controlFamily } from './workers/control.ts';
import { healthCommand } from './workers/health.ts';
import { inspectFamily } from './workers/inspect.ts';
import { relayCommand } from './workers/relay.ts';
import { statusCommand } from './workers/status.ts';
import { workerCommand } from './workers/worker.ts';
import { workflowFamily } from './workflow.ts';

/** Every command, in the order in which --help lists them. */
export const allCommands: readonly (Command | CommandFamily)[] = [
  devCommand,
  initCommand,
  workerCommand,
  beatCommand,
  relayCommand,
  callCommand,
  resultCommand,
  queuesFamily,
  capacityCommand,
  graphCommand,
  gateFamily,
  workflowFamily,
  broadcastCommand,
  topicsFamily,
  purgeCommand,
  dashboardCommand,
  topCommand,
  statusCommand,
  inspectFamily,
  controlFamily,
  eventsCommand,
  failuresFamily,
  dlqFamily,
  scheduleCommand,
  orderingCommand,
  healthCommand,
  doctorCommand,
  aclCommand,
  dbFamily,
  celeryFamily,
  importFamily,
  configCommand,
];
