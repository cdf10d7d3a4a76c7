import { SignatureError } from '../errors.ts';
import { type Failure, toFailure } from '../message/failure.ts';
import type { Message } from '../message/message.ts';
import { assertSafeJson } from '../message/message-parser.ts';
import { formatDuration } from '../options/duration.ts';
import { type Opened, type SealContext, type Sealer, stable } from './sealer.ts';
import type { LoadedKey } from './signing-keys.ts';

type Fields = readonly (keyof Message)[];
type Etas = readonly (number | null)[];

/** What a call is: its signer answers for all of it. `eta` is among them, by its first value. */
const signedFields: Fields = [
  'id',
  'task',
  'queue',
  'priority',
  'expires',
  'deadline',
  'maxRetries',
  'replyTo',
  'ignoreResult',
  'resultExpires',
  'timeLimit',
  'softTimeLimit',
  'rootId',
  'parentId',
  'groupId',
  'groupIndex',
  'stamps',
  'tags',
  'version',
  'canvas',
];

/** What workers change while the call is under way: the worker that did answers for it. */
const changingFields: Fields = ['retries', 'requeues', 'crashes', 'unknownSince', 'limitedUntil', 'rateLine', 'held'];

/** What is in the seal itself. */
type Payload = Pick<Message, 'args' | 'kwargs' | 'headers' | 'sentAt'>;

/** The messages of one app, sealed and opened. */
export class MessageSeal {
  readonly #sealer: Sealer;

  constructor(sealer: Sealer) {
    this.#sealer = sealer;
  }

  /** A new call. Throws {@link SignatureError} where the key of this process may not send it, {@link DecryptionError}. */
  seal(message: Message): Message {
    if (message.seal !== undefined) return message; // it is passed on as it came, and verified where it runs
    const { args, kwargs, headers, ...rest } = message;
    const { signing } = this.#sealer;
    if (signing) assertMaySend(signing.signer('send', whatOf(message)), message);
    const { task, queue, stamps } = message;
    const subject = { kind: 'message', task, queue, ...(headers ? { headers } : {}), ...(stamps ? { stamps } : {}) };
    const context = { ...contextOf(message, message.eta), subject };
    const { sentAt } = message;
    const seal = this.#sealer.seal(JSON.stringify({ args, kwargs, headers, sentAt }), context);
    return { ...rest, args: [], seal };
  }

  /**
   * A message as it is put back by a worker. `before` is it as it came, `opened` as the worker saw it. Where it is the same call, the
   * signature of its sender stays and the worker signs what it changed; a call with other arguments is the worker's own.
   */
  putBack(message: Message, before: Message, opened: Message): Message {
    const same = message.args === opened.args && message.kwargs === opened.kwargs && message.headers === opened.headers;
    const first = firstEta(before);
    const kept = before.seal !== undefined && same && boundOf(message, first) === boundOf(before, first);
    const { step: _step, seal: _seal, ...own } = message;
    if (!kept) return this.#signed(this.seal(own), message.eta);
    const { args: _args, kwargs: _kwargs, headers: _headers, ...rest } = own;
    return this.#signed({ ...rest, args: [], seal: before.seal }, first);
  }

  #signed(message: Message, eta: number | undefined): Message {
    if (!this.#sealer.signing) return message;
    return { ...message, step: this.#sealer.seal(JSON.stringify([eta ?? null]), stepContext(message)) };
  }

  /** A message as it was sent. Throws {@link SignatureError} or {@link DecryptionError}; `anyAge` for one that a person looks at. */
  open(message: Message, anyAge = false): Message {
    const { seal, step, ...rest } = message;
    const { signing } = this.#sealer;
    const required = signing?.requires(message.queue) === true;
    const what = whatOf(message);
    if (seal === undefined) {
      if (required) throw new SignatureError(`${what} is not signed`);
      return message;
    }
    const changed = step === undefined ? undefined : this.#openStep(message, step);
    if (changed === undefined && signing && required && wasPutBack(message))
      throw new SignatureError(`${what} was put back without the signature of a worker: it was altered`);
    const eta = changed ? changed.eta : message.eta;
    const opened = this.#sealer.open(seal, contextOf(message, eta), required);
    if (opened.key) {
      assertMaySend(opened.key, message);
      if (!anyAge) this.#assertYoung(message, [opened.signedAt, changed?.opened.signedAt, eta], what);
    }
    const payload: Payload = JSON.parse(opened.text);
    assertSafeJson(payload, 0);
    return { ...rest, ...payload, ...(opened.key ? { mayRepeat: true } : {}) };
  }

  #openStep(message: Message, step: string): { readonly opened: Opened; readonly eta: number | undefined } {
    const opened = this.#sealer.open(step, stepContext(message), true);
    const [eta]: Etas = JSON.parse(opened.text);
    return { opened, eta: eta ?? undefined };
  }

  /** Within that time a second copy finds the result of the first; later it is refused for its age. */
  #assertYoung({ eta }: Message, moments: readonly (number | undefined)[], what: string): void {
    const { signing, clock } = this.#sealer;
    const since = Math.max(...[...moments, eta].map((at) => at ?? 0));
    const age = clock.now() - since;
    if (!signing || age <= signing.maxAge) return;
    throw new SignatureError(
      `${what} was signed ${formatDuration(age)} ago, longer than ${formatDuration(signing.maxAge)} (security.signing.maxAge): it may be a copy of one that ran`,
    );
  }
}

function assertMaySend(key: LoadedKey, message: Message): void {
  if (!key.sendsTask(message.task))
    throw new SignatureError(`${whatOf(message)}: key "${key.id}" may not send this task`);
  if (!key.sendsTo(message.queue))
    throw new SignatureError(`${whatOf(message)}: key "${key.id}" may not send to queue "${message.queue}"`);
}

function whatOf({ id, task }: Message): string {
  return `message ${id} of task "${task}"`;
}

function contextOf(message: Message, eta: number | undefined): Omit<SealContext, 'subject'> {
  return { bound: boundOf(message, eta), what: whatOf(message), use: 'send' };
}

function boundOf(message: Message, eta: number | undefined): string {
  return JSON.stringify(['message', eta ?? null, ...signedFields.map((field) => flat(message[field]))]);
}

function stepContext(message: Message): SealContext {
  const changing = changingFields.map((field) => flat(message[field]));
  const bound = JSON.stringify(['step', message.id, message.seal, message.eta ?? null, ...changing]);
  return { bound, what: `${whatOf(message)}, as a worker put it back,`, subject: { kind: 'step' }, use: 'work' };
}

function flat(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? stable(value) : (value ?? null);
}

/** The `eta` that the sender signed: a step carries it. It was verified when the message was opened. */
function firstEta({ step, eta }: Message): number | undefined {
  if (step === undefined) return eta;
  try {
    const [, body]: readonly string[] = JSON.parse(step.slice(step.indexOf('[')));
    const [first]: Etas = JSON.parse(body ?? '[]');
    return first ?? undefined;
  } catch {
    return eta;
  }
}

/** Whether a worker has had it, as it says. */
function wasPutBack({ retries, requeues = 0, crashes = 0, unknownSince = 0, limitedUntil = 0 }: Message): boolean {
  return retries + requeues + crashes + unknownSince + limitedUntil > 0;
}

/** A failure for people, without what is to stay secret. */
export function failureOf(error: unknown): Failure {
  const { name, message } = toFailure(error);
  return { name, message };
}
