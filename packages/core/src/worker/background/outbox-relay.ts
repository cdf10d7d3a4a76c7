import type { Lovage } from '../../app/app.ts';
import { type AppRuntime, runtimeOf } from '../../app/app-runtime.ts';
import { parseCanvas } from '../../canvas/canvas-from-json.ts';
import type { OutboxBody } from '../../canvas/outbox.ts';
import { messageOf } from '../../canvas/plan-sink.ts';
import type { Clock } from '../../clock.ts';
import {
  BrokerUnavailableError,
  ClosedError,
  ConfigurationError,
  MalformedMessageError,
  ResultBackendUnavailableError,
} from '../../errors.ts';
import type { Logger } from '../../logger.ts';
import type { Message } from '../../message/message.ts';
import { parseMessage } from '../../message/message-parser.ts';
import { loadPostgres } from '../../stores/effects.ts';

/** Options of {@link startRelay}. */
export interface RelayOptions {
  /** The `postgres://` URL of the database with the outbox. @default the app's `backend` */
  readonly database?: string;
  /** Rows of one transaction. @default 500 */
  readonly batch?: number;
}

/** A relay at work. */
export interface Relay {
  /** How many entries it has handed to the broker. */
  readonly sent: number;
  /** Resolves when the batch under way is done. */
  close(): Promise<void>;
}

interface Entry {
  readonly id: string;
  readonly body: string;
}

interface PostgresRelay {
  startOutboxRelay(options: {
    readonly url: string;
    readonly prefix: string | undefined;
    readonly clock: Clock;
    readonly logger: Logger;
    readonly times: { readonly connectTimeout: number; readonly socketTimeout: number };
    readonly batch?: number;
    send(entries: readonly Entry[]): Promise<ReadonlyMap<string, Error>>;
  }): Promise<Relay>;
}

/**
 * Hands what is committed to the outbox to the broker, until it is closed. As many as you like may run. Throws {@link ConfigurationError}
 * without a database, or where its tables are missing, and as a connection does.
 */
export async function startRelay(app: Lovage, { database, batch }: RelayOptions = {}): Promise<Relay> {
  const runtime = runtimeOf(app);
  const { clock, logger, settings } = runtime;
  const url = database ?? settings.backend;
  if (url === undefined || !/^postgres(ql)?:\/\//.test(url))
    throw new ConfigurationError(
      'startRelay: no database: name the one with the outbox (option database, --database postgres://…), or let it be the backend',
    );
  const { startOutboxRelay } = (await loadPostgres('a relay')) as PostgresRelay;
  const { prefix, connection: times } = settings;
  const send = (entries: readonly Entry[]) => sendAll(runtime, entries);
  const relay = await startOutboxRelay({
    url,
    prefix,
    clock,
    logger,
    times,
    send,
    ...(batch === undefined ? {} : { batch }),
  });
  const close = (): Promise<void> => {
    runtime.closers.delete(close);
    return relay.close();
  };
  runtime.closers.add(close);
  return {
    get sent(): number {
      return relay.sent;
    },
    close,
  };
}

/** Messages go together; where the broker refuses them for what they are, each by itself. Returns what cannot be sent, by id. */
async function sendAll(runtime: AppRuntime, entries: readonly Entry[]): Promise<ReadonlyMap<string, Error>> {
  const refused = new Map<string, Error>();
  const attempt = async (ids: readonly string[], work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (error) {
      if (isAway(error)) throw error;
      for (const id of ids) refused.set(id, error as Error);
      return false;
    }
  };
  const messages: Message[] = [];
  for (const { id, body } of entries) {
    await attempt([id], async () => {
      const read = readBody(id, body);
      if (read.kind === 'task') messages.push(toMessage(runtime, id, read));
      else await sendCanvas(runtime, id, read);
    });
  }
  if (messages.length === 0) return refused;
  const ids = messages.map(({ id }) => id);
  if (await attempt(ids, () => runtime.producer.publish(messages))) return refused;
  for (const id of ids) refused.delete(id);
  for (const message of messages) await attempt([message.id], () => runtime.producer.publish([message]));
  return refused;
}

function isAway(error: unknown): boolean {
  return (
    error instanceof BrokerUnavailableError ||
    error instanceof ResultBackendUnavailableError ||
    error instanceof ClosedError ||
    (error as { readonly code?: string }).code === 'BROKER_MEMORY'
  );
}

function readBody(id: string, text: string): OutboxBody {
  const malformed = (cause?: unknown) =>
    new MalformedMessageError(`outbox entry ${id} cannot be read`, { cause, taskId: id });
  let body: OutboxBody;
  try {
    body = JSON.parse(text);
  } catch (error) {
    throw malformed(error);
  }
  if (body?.kind !== 'task' && body?.kind !== 'canvas') throw malformed();
  return body;
}

/** Its id may have been sent before: by a relay that died, say. */
function toMessage(
  { clock }: AppRuntime,
  id: string,
  { message, times }: Extract<OutboxBody, { kind: 'task' }>,
): Message {
  const made = messageOf(
    { kind: 'task', takesInput: false, message: { ...message, id }, ...times },
    { now: clock.now(), mayRepeat: true },
  );
  return parseMessage(made);
}

function sendCanvas(
  { canvas: sender }: AppRuntime,
  id: string,
  body: Extract<OutboxBody, { kind: 'canvas' }>,
): Promise<unknown> {
  return sender.send(parseCanvas(body.canvas, sender.sender), [], { ...body.options, taskId: id });
}
