import type { Command } from '../command.ts';
import { callCommand } from './call.ts';
import { configCommand } from './config.ts';
import { purgeCommand } from './purge.ts';
import { queuesCommand } from './queues.ts';
import { resultCommand } from './result.ts';
import { statusCommand } from './status.ts';
import { workerCommand } from './worker.ts';

/** Every command, in the order in which --help lists them. */
export const allCommands: readonly Command[] = [
  workerCommand,
  callCommand,
  resultCommand,
  queuesCommand,
  purgeCommand,
  statusCommand,
  configCommand,
];
