/** Makes the tables of a store that has some, and brings them to a newer version. */
export interface SchemaKeeper {
  /** Where they stand: version 0 means that there are none, `wanted` is the one that this code works with. */
  status(): Promise<{
    readonly version: number;
    readonly wanted: number;
    /** The steps that are missing, in order, each as a script too, to be read, or run by somebody else. */
    readonly missing: readonly { readonly name: string; readonly sql: string }[];
  }>;
  /** Takes the steps that are missing; returns their names. Of several processes at once, one does it. Tables that are newer stay. */
  migrate(): Promise<readonly string[]>;
}

/** Where tables stand. */
export type SchemaStatus = Awaited<ReturnType<SchemaKeeper['status']>>;
