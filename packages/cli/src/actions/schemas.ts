import { type StoreSchema, storeSchemas } from '@lovage/core/inspect';
import { openApp } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import { CommandError, type ExitCode } from '../exit-code.ts';
import { createCommandLogger } from '../output/plain-logger.ts';
import { printData, printJson, printNote } from '../output/print.ts';
import { closeSoon } from './with-app.ts';

/** What `lovage db migrate` was given. */
export interface MigrateArguments extends GlobalArguments {
  readonly sql?: boolean;
}

/** Prints where the tables stand. */
export function showSchemas(given: GlobalArguments): Promise<ExitCode> {
  return withSchemas(given, async (schemas) => {
    const stand = await Promise.all(
      schemas.map(async ({ display, keeper }) => {
        const { version, wanted, missing } = await keeper.status();
        return { store: display, version, wanted, missing: missing.map(({ name }) => name) };
      }),
    );
    if (given.json) printJson(stand);
    else
      for (const { store, version, wanted, missing } of stand)
        printData(`${store}  ${describe(version, wanted, missing)}`);
    return stand.every(({ version, wanted }) => version === wanted) ? 0 : 1;
  });
}

/** Takes the steps that are missing, or prints them. */
export function migrateSchemas(given: MigrateArguments): Promise<ExitCode> {
  return withSchemas(given, async (schemas) => {
    for (const schema of schemas) await (given.sql ? printScript(schema) : migrate(schema, given.json === true));
    return 0;
  });
}

async function printScript({ display, keeper }: StoreSchema): Promise<void> {
  const { version, wanted, missing } = await keeper.status();
  if (version > wanted) throw newer(display, version, wanted);
  for (const { sql } of missing) printData(sql);
}

async function migrate({ display, keeper }: StoreSchema, json: boolean): Promise<void> {
  const taken = await keeper.migrate();
  const { version, wanted } = await keeper.status();
  if (version > wanted) throw newer(display, version, wanted);
  if (json) printJson({ store: display, version, taken });
  else printData(`${display}  version ${version}, ${taken.length > 0 ? `new: ${taken.join(', ')}` : 'nothing to do'}`);
}

/** The broker is not asked: it may not be there yet. */
async function withSchemas(
  given: GlobalArguments,
  work: (schemas: readonly StoreSchema[]) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { app } = await openApp(given, { logger: createCommandLogger(given.verbose) });
  try {
    const schemas = await storeSchemas(app);
    if (schemas.length === 0) printNote('no store of this app keeps tables: name one with --backend postgres://…');
    return await work(schemas);
  } finally {
    await closeSoon(app);
  }
}

function describe(version: number, wanted: number, missing: readonly string[]): string {
  if (version > wanted) return `version ${version}, newer than this Lovage, which works with ${wanted}`;
  if (missing.length === 0) return `version ${version}, up to date`;
  return `version ${version} of ${wanted}, missing: ${missing.join(', ')}: run lovage db migrate`;
}

function newer(display: string, version: number, wanted: number): CommandError {
  const message = `the tables at ${display} are of version ${version}, newer than this Lovage, which works with ${wanted}: upgrade Lovage`;
  return new CommandError(message, { exitCode: 1 });
}
