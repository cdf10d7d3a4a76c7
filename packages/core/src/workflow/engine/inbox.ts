import type { InboxItem } from '../../driver/workflow-store.ts';
import type { Failure } from '../../message/failure.ts';
import type { JsonValue } from '../../message/json.ts';
import type { Completion, Request } from './request.ts';

/** The engine, as far as its inbox knows it. */
export interface InboxOwner {
  readonly requests: Iterable<Request>;
  complete(completion: Completion): void;
  cancel(reason: string, item: string): void;
  /** The stored outcome of a child that was too large for its notification. */
  load(request: Request, child: string, item: string): void;
  /** Work in this process: the run is not parked meanwhile. */
  work(job: () => Promise<unknown>): Promise<void>;
  /** Takes an event away that does not fit the schema of the wait. */
  refuse(item: InboxItem, problem: string): void;
}

/** An event as it lies in the inbox. */
export interface EventBody {
  readonly value?: JsonValue;
  readonly failure?: Failure;
}

/** The end of a child as it lies in the inbox. */
export interface ChildBody {
  readonly id: string;
  readonly value?: JsonValue;
  readonly failure?: Failure;
  /** The outcome is in the result store. */
  readonly stored?: boolean;
}

/** What others sent to a run, and which of its requests takes it. Events wait here until the code asks for them. */
export class Inbox {
  readonly #owner: InboxOwner;
  readonly #events = new Map<string, InboxItem[]>();
  readonly #children = new Map<string, InboxItem>();
  #seen = '';

  constructor(owner: InboxOwner) {
    this.#owner = owner;
  }

  get seen(): string {
    return this.#seen;
  }

  /** Takes items in, oldest first. */
  receive(items: readonly InboxItem[]): void {
    for (const item of items) this.#receive(item);
    for (const request of this.#owner.requests) this.match(request);
  }

  /** Ends a request that waits for something that is here. */
  match(request: Request): void {
    const { wait, ended, key } = request;
    if (ended || wait === undefined) return;
    if (wait.child !== undefined) return this.#matchChild(request, wait.child, this.#children.get(key));
    if (wait.event === undefined) return;
    const { name, schema } = wait.event;
    const [item] = this.#events.get(name) ?? [];
    if (item === undefined) return;
    this.#events.get(name)?.shift();
    const body = JSON.parse(item.body) as EventBody;
    const checked = body.failure || schema === undefined ? ({ ok: true } as const) : schema.decode(body.value);
    if (checked instanceof Promise) {
      const judge = async () => {
        const late = await checked;
        this.#take({ request, item, body }, late.ok ? '' : issuesOf(late));
      };
      return void this.#owner.work(judge); // else the run could park meanwhile, with the event in its hands
    }
    this.#take({ request, item, body }, checked.ok ? '' : issuesOf(checked));
  }

  #receive(item: InboxItem): void {
    this.#seen = item.at;
    if (item.kind === 'cancel') return this.#owner.cancel(String(JSON.parse(item.body)), item.at);
    if (item.kind === 'child') {
      this.#children.set(item.name, item);
      return;
    }
    this.#keep(item);
  }

  #keep(item: InboxItem): void {
    const waiting = this.#events.get(item.name) ?? [];
    waiting.push(item);
    this.#events.set(item.name, waiting);
  }

  #giveBack(item: InboxItem): void {
    this.#events.set(item.name, [item, ...(this.#events.get(item.name) ?? [])]);
  }

  #take({ request, item, body }: { request: Request; item: InboxItem; body: EventBody }, problem: string): void {
    if (problem === '' && !request.ended)
      return this.#owner.complete({ request, result: resultOf(body), consumed: item.at });
    if (problem !== '') {
      this.#owner.refuse(item, problem);
      return this.match(request);
    }
    this.#giveBack(item); // the wait ended while it was checked
    for (const other of this.#owner.requests) this.match(other);
  }

  #matchChild(request: Request, child: string, item: InboxItem | undefined): void {
    if (item === undefined) return;
    this.#children.delete(request.key);
    const body = JSON.parse(item.body) as ChildBody;
    if (body.stored) return this.#owner.load(request, child, item.at);
    this.#owner.complete({ request, result: resultOf(body), consumed: item.at });
  }
}

function resultOf({ value, failure }: EventBody): Completion['result'] {
  if (failure) return { failure };
  return value === undefined ? {} : { value };
}

function issuesOf(checked: {
  readonly issues?: readonly { readonly path: string; readonly message: string }[];
}): string {
  return (checked.issues ?? []).map(({ path, message }) => `${path || '(root)'}: ${message}`).join('; ');
}
