import {
  type AnySignature,
  assertSignature,
  firstSender,
  noParts,
  Signature,
  type SignatureParts,
  type SignatureSender,
  type SignatureShape,
} from './signature.ts';
import type { CanvasData } from './signature-data.ts';
import type { Accepts } from './types/pipe-types.ts';

/** Steps one after another: each is given the value of the one before. */
export class Chain<In extends readonly unknown[] = readonly unknown[], Out = unknown> extends Signature<In, Out> {
  readonly steps: readonly AnySignature[];

  /** @internal Made by {@link chain} and `pipe`. */
  constructor(steps: readonly AnySignature[], parts: SignatureParts = noParts) {
    for (const step of steps) assertSignature(step, 'chain');
    const flat = steps.flatMap(flatten);
    super(parts, flat);
    this.steps = Object.freeze(flat);
  }

  get shape(): SignatureShape {
    return { kind: 'sequence', steps: this.steps };
  }

  get sender(): SignatureSender | undefined {
    return firstSender(this.steps);
  }

  pipe<NextIn extends readonly unknown[], NextOut>(
    next: Signature<NextIn, NextOut> & Accepts<Out, NextIn>,
  ): Signature<In, NextOut> {
    return pipe(this, next);
  }

  toJSON(): CanvasData {
    return { chain: this.steps.map((step) => step.toJSON()), ...partsToJson(this) };
  }

  protected copy(parts: SignatureParts): this {
    return new Chain(this.steps, parts) as this;
  }
}

/** A chain inside a chain, without callbacks or options of its own, is only its steps. */
function flatten(step: AnySignature): readonly AnySignature[] {
  return step instanceof Chain && isBare(step) ? step.steps : [step];
}

/** Whether it has neither callbacks nor options of its own. */
export function isBare({ options, links, errorLinks }: SignatureParts): boolean {
  return links.length === 0 && errorLinks.length === 0 && Object.keys(options).length === 0;
}

/** For the `pipe` of every kind. */
export function pipe(first: AnySignature, next: AnySignature): AnySignature {
  return new Chain([first, next]);
}

/** The parts of a signature that its JSON holds, where they say something. */
export function partsToJson({ options, links, errorLinks }: SignatureParts): Omit<CanvasData, 'task'> {
  return {
    ...(Object.keys(options).length > 0 ? { options } : {}),
    ...(links.length > 0 ? { link: links.map((link) => link.toJSON()) } : {}),
    ...(errorLinks.length > 0 ? { linkError: errorLinks.map((link) => link.toJSON()) } : {}),
  };
}

/** The open arguments of a signature. */
// biome-ignore lint/suspicious/noExplicitAny: any value
export type InOf<S> = S extends Signature<infer In, any> ? In : never;
/** The value of a signature. */
// biome-ignore lint/suspicious/noExplicitAny: any open arguments
export type OutOf<S> = S extends Signature<any, infer Out> ? Out : never;

/** Each step checked against the one before it: the same tuple where all fit. */
type Fitting<Steps extends readonly AnySignature[]> = {
  readonly [K in keyof Steps]: K extends '0'
    ? Steps[K]
    : number extends Steps['length']
      ? Steps[K]
      : Steps[K] & Accepts<OutOf<Before<Steps>[K & keyof Before<Steps>]>, InOf<Steps[K]>>;
};

/** At each place, the step before it. */
type Before<Steps extends readonly unknown[]> = readonly [never, ...Steps];

type FirstIn<Steps extends readonly AnySignature[]> = Steps extends readonly [infer First, ...unknown[]]
  ? InOf<First>
  : readonly unknown[];
type LastOut<Steps extends readonly AnySignature[]> = Steps extends readonly [...unknown[], infer Last]
  ? OutOf<Last>
  : unknown;

/** The steps one after another: each is given the value of the one before as its first argument. */
export function chain<const Steps extends readonly AnySignature[]>(
  ...steps: Steps & Fitting<Steps>
): Chain<FirstIn<Steps>, LastOut<Steps>> {
  return new Chain<FirstIn<Steps>, LastOut<Steps>>(steps);
}
