import type { Bus } from '../driver/bus.ts';
import type { Subscription } from '../driver/result-backend.ts';
import { controlTopic, parseRequest, replyTopic } from '../events/control-message.ts';
import type { Logger } from '../logger.ts';
import type { JsonValue } from '../task/json.ts';

/** Answers to remote commands, by name. */
export type ControlCommands = Readonly<Record<string, () => JsonValue>>;

/** Listens for remote commands and answers each on the asker's own topic. Unknown ones are left to newer workers. */
export async function startControl(
  bus: Bus,
  worker: string,
  commands: ControlCommands,
  logger: Logger,
): Promise<Subscription> {
  return bus.subscribe(controlTopic, (input) => {
    const request = parseRequest(input);
    const command = request && Object.hasOwn(commands, request.command) ? commands[request.command] : undefined;
    if (request === undefined || command === undefined) return;
    bus
      .publish(replyTopic(request.id), { worker, reply: command() })
      .catch((error: unknown) =>
        logger.debug('could not answer a remote command', { command: request.command, error }),
      );
  });
}
