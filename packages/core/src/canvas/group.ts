import { ConfigurationError } from '../errors.ts';
import type { CallOptions } from '../producer/call-options.ts';
import type { GetOptions } from '../results/async-result.ts';
import { GroupResult } from '../results/group-result.ts';
import { type InOf, type OutOf, partsToJson, pipe } from './chain.ts';
import {
  type AnySignature,
  assertSignature,
  firstSender,
  isEmptyList,
  type Members,
  noParts,
  Signature,
  type SignatureParts,
  type SignatureSender,
  type SignatureShape,
  senderOf,
} from './signature.ts';
import type { CanvasData } from './signature-data.ts';
import type { Accepts } from './types/pipe-types.ts';

/** Calls that run side by side; the value is the list of their values, in the members' order. */
export class Group<In extends readonly unknown[] = readonly unknown[], Out = unknown> extends Signature<In, Out> {
  readonly members: Members;
  #sender: SignatureSender | undefined;

  /** @internal Made by {@link group}. */
  constructor(members: Members, parts: SignatureParts = noParts, sender?: SignatureSender) {
    const listed = Array.isArray(members) ? (members as readonly AnySignature[]) : [];
    for (const member of listed) assertSignature(member, 'group');
    super(parts, listed);
    this.members = Array.isArray(members) ? Object.freeze([...members]) : members;
    this.#sender = sender;
  }

  get shape(): SignatureShape {
    return { kind: 'group', members: this.members };
  }

  get sender(): SignatureSender | undefined {
    if (Array.isArray(this.members)) this.#sender ??= firstSender(this.members);
    return this.#sender;
  }

  /** Whether its members are read while they are sent: such a group can be sent once, and has no JSON. */
  get isStream(): boolean {
    return !Array.isArray(this.members);
  }

  override delay(...args: In): Promise<GroupResult<Out>> {
    return this.applyAsync(args);
  }

  override async applyAsync(args: In, options: CallOptions = {}): Promise<GroupResult<Out>> {
    const { link, ...rest } = options;
    const ready = link === undefined ? await this.#peeked() : (await this.#peeked()).set({ link });
    if (isEmptyList(ready)) return GroupResult.empty() as GroupResult<Out>;
    return (await senderOf(ready).send(ready, args, rest)) as GroupResult<Out>;
  }

  override async call(args: In, options: CallOptions & GetOptions = {}): Promise<Out> {
    if (this.sender) return (await this.sender.call(this, args, options)) as Out;
    const { timeout, signal, ...rest } = options;
    const result = await this.applyAsync(args, rest);
    return result.get({ ...(timeout === undefined ? {} : { timeout }), ...(signal ? { signal } : {}) });
  }

  pipe<NextIn extends readonly unknown[], NextOut>(
    next: Signature<NextIn, NextOut> & Accepts<Out, NextIn>,
  ): Signature<In, NextOut> {
    return pipe(this, next);
  }

  toJSON(): CanvasData {
    if (!Array.isArray(this.members)) {
      throw new ConfigurationError('group: members that come from a generator have no JSON: pass a list');
    }
    return { group: this.members.map((member: AnySignature) => member.toJSON()), ...partsToJson(this) };
  }

  protected copy(parts: SignatureParts): this {
    return new Group(this.members, parts, this.#sender) as this;
  }

  /** The same group; where its members are a stream, with the first one read, whose app sends it. */
  async #peeked(): Promise<Group<In, Out>> {
    if (this.sender || !this.isStream) return this;
    const { sender, members } = await peek(this.members);
    return new Group<In, Out>(members, this, sender);
  }
}

/** Reads the first member of a stream for its sender, and puts it back. */
export async function peek(
  members: Members,
): Promise<{ readonly sender: SignatureSender | undefined; readonly members: Members }> {
  assertUnread(members);
  const iterator =
    Symbol.asyncIterator in members
      ? members[Symbol.asyncIterator]()
      : (members as Iterable<AnySignature>)[Symbol.iterator]();
  const first = await iterator.next();
  if (first.done) return { sender: undefined, members: [] };
  assertSignature(first.value, 'group');
  return { sender: first.value.sender, members: startingWith(first.value, iterator) };
}

const read = new WeakSet<object>();

/** Throws {@link ConfigurationError} for a generator that was read before: it has no members any more. */
export function assertUnread(members: Exclude<Members, readonly AnySignature[]>): void {
  if (!('next' in members)) return; // it gives a new iterator each time
  if (read.has(members)) {
    throw new ConfigurationError(
      'group: its generator was read before, and has no members any more: make another group of a new one',
    );
  }
  read.add(members);
}

async function* startingWith(
  first: AnySignature,
  rest: Iterator<AnySignature> | AsyncIterator<AnySignature>,
): AsyncGenerator<AnySignature, void, undefined> {
  try {
    yield first;
    for (let step = await rest.next(); !step.done; step = await rest.next()) yield step.value;
  } finally {
    await rest.return?.();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: see AnySignature
export type AnyGroup = Group<any, any>;

/** The open arguments of a group: those of its members, all of which are given the same; none where all are full. */
export type MembersIn<Member> = [Exclude<InOf<Member>, readonly []>] extends [never]
  ? []
  : Intersection<Exclude<InOf<Member>, readonly []>>;

type Intersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I extends readonly unknown[]
    ? I
    : never
  : never;

/** The values of the members: a tuple for a tuple, with the values of groups directly inside spread out. */
export type MembersOut<Members extends readonly AnySignature[]> = number extends Members['length']
  ? OutOf<Members[number]>[]
  : Spread<Members>;

type Spread<Members extends readonly unknown[], Done extends readonly unknown[] = []> = Members extends readonly [
  infer First,
  ...infer Rest,
]
  ? // biome-ignore lint/suspicious/noExplicitAny: any open arguments
    First extends Group<any, infer Inner>
    ? Inner extends readonly unknown[]
      ? Spread<Rest, [...Done, ...Inner]>
      : Spread<Rest, [...Done, Inner]>
    : Spread<Rest, [...Done, OutOf<First>]>
  : [...Done];

/** Lists of `size` items, the last one as long as it comes. Throws {@link ConfigurationError} for a size below 1. */
export function* inChunks<T>(items: Iterable<T>, size: number): Generator<T[], void, undefined> {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new ConfigurationError(`chunks: the size is a whole number from 1, received ${size}`);
  }
  let chunk: T[] = [];
  for (const item of items) {
    if (chunk.push(item) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Members of a group as a source: an iterable or async iterable of signatures. */
export type Source<S extends AnySignature> = Iterable<S> | AsyncIterable<S>;

/**
 * Calls that run side by side, from a list, from parameters, or from an (async) iterable: its members are published while
 * it is read.
 */
export function group<const List extends readonly AnySignature[]>(
  members: List,
): Group<MembersIn<List[number]>, MembersOut<List>>;
export function group<const List extends readonly [AnySignature, ...AnySignature[]]>(
  ...members: List
): Group<MembersIn<List[number]>, MembersOut<List>>;
export function group<S extends AnySignature>(members: Source<S>): Group<MembersIn<S>, OutOf<S>[]>;
export function group(...given: readonly unknown[]): Group<never, unknown> {
  return new Group(readMembers(given));
}

function readMembers(given: readonly unknown[]): Members {
  const [first] = given;
  if (given.length !== 1 || first instanceof Signature) return given as readonly AnySignature[];
  if (typeof first === 'object' && first !== null && (Symbol.iterator in first || Symbol.asyncIterator in first)) {
    return first as Members;
  }
  throw new ConfigurationError('group: expected a list of signatures, or an (async) iterable of them');
}
