/** A tuple without its last `Tail` elements; an open-ended list stays as it is. */
export type WithoutTail<
  Params extends readonly unknown[],
  Tail extends readonly unknown[],
> = number extends Params['length']
  ? Params
  : Tail extends readonly []
    ? Params
    : Required<Params> extends readonly [...infer Head, unknown]
      ? Tail extends readonly [unknown, ...infer Rest]
        ? WithoutTail<Head, Rest>
        : []
      : [];

/** The argument lists that may end a call: all of the parameters, all but the first, … none. */
export type TailOf<Params extends readonly unknown[]> = number extends Params['length']
  ? readonly unknown[]
  : Params extends readonly []
    ? readonly []
    : Readonly<Params> | (Params extends readonly [unknown?, ...infer Rest] ? TailOf<Rest> : never);

/** What a value comes to on its way into the next step: JSON has no undefined; a step that only throws fits any other. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return has the result void
type Piped<Value> = [Value] extends [never] ? never : [Value] extends [undefined | void] ? null : Value;

/**
 * `unknown` where a step that takes `In` can follow a value of that type: it is immutable (nothing is open), or the value
 * fits its first open argument and the others are optional. Else a type that nothing is assignable to, and that says why.
 */
export type Accepts<Value, In extends readonly unknown[]> = In extends readonly []
  ? unknown
  : readonly [Piped<Value>] extends Readonly<In>
    ? unknown
    : unknown extends Value
      ? OnlyFirstOpen<In>
      : PipeTypeError<Value, In>;

/** An unknown value fits any step with one open argument: it is checked when it arrives. */
type OnlyFirstOpen<In extends readonly unknown[]> = In extends readonly [unknown?, ...infer Rest]
  ? readonly [] extends Readonly<Rest>
    ? unknown
    : PipeTypeError<unknown, In>
  : unknown;

/** No value has this type; its text is the compile error. */
export interface PipeTypeError<Value, In> {
  readonly 'this step does not fit: it is given': Value;
  readonly 'and takes': In;
}
