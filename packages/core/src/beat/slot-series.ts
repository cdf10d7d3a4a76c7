/** The moments at which an entry fires, epoch milliseconds. */
export interface Slots {
  /** The first slot after this moment; undefined when there is none. */
  next(after: number): number | undefined;
  /** The newest `count` slots in (`after`, `until`], oldest first. */
  newest(range: { readonly after: number; readonly until: number }, count: number): readonly number[];
}
