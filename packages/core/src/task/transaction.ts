/**
 * The transaction that a database handle gives to its callback: of a `Pool` of pg its client, of postgres.js its `sql`, of Drizzle,
 * Kysely, Prisma and TypeORM what their `transaction` passes on.
 */
export type TransactionOf<Pool> = Pool extends {
  begin: { (work: (tx: infer Tx) => never): unknown; (options: never, work: never): unknown };
}
  ? Tx
  : Pool extends { $transaction: (work: (tx: infer Tx) => Promise<never>) => unknown }
    ? Tx
    : Pool extends { transaction: () => { execute: (work: (tx: infer Tx) => Promise<never>) => unknown } }
      ? Tx
      : Pool extends { transaction: (work: (tx: infer Tx) => Promise<never>) => unknown }
        ? Tx
        : Pool extends { connect: { (): Promise<infer Tx>; (callback: never): unknown } }
          ? Tx
          : Pool extends { connect: () => Promise<infer Tx> }
            ? Tx
            : never;

/** Options of `self.once`. */
export interface OnceOptions {
  /** Where Lovage's tables are in the database of the effect. @default the app's `prefix`, else `lovage` */
  readonly schema?: string;
}

/** What `self.once` is. */
export type Once = <Pool extends object, T>(
  pool: Pool,
  step: string,
  work: (tx: TransactionOf<Pool>) => T | Promise<T>,
  options?: OnceOptions,
) => Promise<T>;
