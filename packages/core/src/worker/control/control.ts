import type { Bus } from '../../driver/bus.ts';
import type { Subscription } from '../../driver/result-backend.ts';
import {
  type ControlArgs,
  type ControlRequest,
  changeTopic,
  controlTopic,
  parseRequest,
  questions,
  replyTopic,
} from '../../events/control-message.ts';
import type { Logger } from '../../logger.ts';
import type { JsonValue } from '../../message/json.ts';
import type { ControlMode } from '../../security/security-options.ts';
import { signerOf } from '../../security/signer-of.ts';
import { compilePattern } from '../../task/route.ts';

/** Carries out remote commands, by name; a command that cannot be carried out throws. */
export type ControlCommands = Readonly<Record<string, (args: ControlArgs) => JsonValue | Promise<JsonValue>>>;

/** What listening for commands needs. */
export interface ControlOptions {
  readonly bus: Bus;
  readonly worker: string;
  readonly commands: ControlCommands;
  /** True: all; a list: only these; false: none, and nothing listens. */
  readonly allowed: boolean | readonly string[];
  readonly mode: ControlMode;
  readonly logger: Logger;
}

/** Where a worker listens: for questions, and for commands that change it. */
export const controlTopics: readonly string[] = [controlTopic, changeTopic];

/** Listens for remote commands on one topic and answers each on the asker's own. Unknown ones are left to newer workers. */
export async function startControl(options: ControlOptions, topic: string): Promise<Subscription> {
  return options.bus.subscribe(topic, hear(options, topic));
}

function hear(options: ControlOptions, topic: string): (input: JsonValue) => void {
  const { bus, worker, logger } = options;
  return (input) => {
    const request = parseRequest(input);
    if (request === undefined || !Object.hasOwn(options.commands, request.command) || !isMeant(request, worker)) return;
    answer(options, request, { topic, signer: signerOf(input) })
      .then((reply) => reply && bus.publish(replyTopic(request.id), { worker, ...reply }))
      .catch((error: unknown) =>
        logger.debug('could not answer a remote command', { command: request.command, error }),
      );
  };
}

function isMeant({ destination }: ControlRequest, worker: string): boolean {
  return destination === undefined || destination.some((pattern) => compilePattern(pattern)(worker));
}

type Answer = { readonly reply: JsonValue } | { readonly error: string } | undefined;

async function answer(
  { commands, allowed, mode, logger }: ControlOptions,
  { command, args }: ControlRequest,
  { topic, signer }: { readonly topic: string; readonly signer: string | undefined },
): Promise<Answer> {
  const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined) return undefined;
  if (allowed !== true && !(Array.isArray(allowed) && allowed.includes(command))) {
    return { error: `the command ${command} is not allowed on this worker (option remoteControl)` };
  }
  const changes = !questions.has(command);
  if (changes && topic === controlTopic && mode !== 'open') {
    logger.warn('refused a remote command: it came on the channel of questions', { command });
    return {
      error: `the command ${command} is refused: it changes what workers do, so it is sent on the channel "${changeTopic}" (option control: '${mode}')`,
    };
  }
  if (changes && mode === 'signed' && signer === undefined) {
    logger.warn('refused a remote command: it is not signed', { command });
    return {
      error: `the command ${command} is refused: it is not signed with a key that may "control" (option control: 'signed')`,
    };
  }
  if (changes) logger.info('remote command', { command, args, ...(signer === undefined ? {} : { signer }) }); // the audit: what changed a worker, and when
  try {
    return { reply: await run(args) };
  } catch (error) {
    logger.warn('a remote command failed', { command, error });
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
