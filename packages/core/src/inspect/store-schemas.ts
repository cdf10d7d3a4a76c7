import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { SchemaKeeper } from '../driver/schema-keeper.ts';

/** A store of an app that keeps tables. */
export interface StoreSchema {
  /** The store's URL without its password. */
  readonly display: string;
  readonly keeper: SchemaKeeper;
}

/** The stores of an app that keep tables. Nothing is asked of them yet. */
export async function storeSchemas(app: Lovage): Promise<readonly StoreSchema[]> {
  const { connections } = await runtimeOf(app).stores.open();
  return connections.flatMap(({ display, schema }) => (schema ? [{ display, keeper: schema }] : []));
}
