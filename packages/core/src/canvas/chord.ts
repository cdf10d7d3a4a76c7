import { type InOf, isBare, type OutOf, partsToJson, pipe } from './chain.ts';
import { type AnyGroup, Group, group, type MembersIn, type MembersOut, type Source } from './group.ts';
import {
  type AnySignature,
  assertSignature,
  noParts,
  Signature,
  type SignatureParts,
  type SignatureSender,
  type SignatureShape,
} from './signature.ts';
import type { CanvasData, GroupData } from './signature-data.ts';
import type { Accepts } from './types/pipe-types.ts';

/** A header of calls that run side by side, and a body that is given the list of their values. */
export class Chord<In extends readonly unknown[] = readonly unknown[], Out = unknown> extends Signature<In, Out> {
  readonly header: AnyGroup;
  readonly body: AnySignature;

  /** @internal Made by {@link chord}. */
  constructor(header: AnyGroup, body: AnySignature, parts: SignatureParts = noParts) {
    assertSignature(body, 'chord: body');
    super(parts, [header, body]);
    this.header = header;
    this.body = body;
  }

  get shape(): SignatureShape {
    return { kind: 'sequence', steps: [this.header, this.body] };
  }

  get sender(): SignatureSender | undefined {
    return this.header.sender ?? this.body.sender;
  }

  pipe<NextIn extends readonly unknown[], NextOut>(
    next: Signature<NextIn, NextOut> & Accepts<Out, NextIn>,
  ): Signature<In, NextOut> {
    return pipe(this, next);
  }

  toJSON(): CanvasData {
    const header = this.header.toJSON() as GroupData;
    if (!isBare(this.header)) return { chain: [header, this.body.toJSON()], ...partsToJson(this) };
    return { chord: header.group, body: this.body.toJSON(), ...partsToJson(this) };
  }

  protected copy(parts: SignatureParts): this {
    return new Chord(this.header, this.body, parts) as this;
  }
}

/** Runs the header's members side by side, then the body with the list of their values. */
export function chord<const List extends readonly AnySignature[], Body extends AnySignature>(
  header: List,
  body: Body & AcceptsList<MembersOut<List>, Body>,
): Chord<MembersIn<List[number]>, OutOf<Body>>;
export function chord<In extends readonly unknown[], Values, Body extends AnySignature>(
  header: Group<In, Values>,
  body: Body & AcceptsList<Values, Body>,
): Chord<In, OutOf<Body>>;
export function chord<S extends AnySignature, Body extends AnySignature>(
  header: Source<S>,
  body: Body & AcceptsList<OutOf<S>[], Body>,
): Chord<MembersIn<S>, OutOf<Body>>;
export function chord(header: unknown, body: unknown): Chord<never, unknown> {
  const members = header instanceof Group ? header : group(header as AnySignature[]);
  return new Chord(members, body as AnySignature);
}

type AcceptsList<Values, Body> = Accepts<Values, InOf<Body>>;
