import { openApp } from '../app/open-app.ts';
import type { GlobalArguments } from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { createCommandLogger } from '../output/plain-logger.ts';
import { printData, printJson } from '../output/print.ts';
import { formatTable } from '../output/table.ts';

/** What `lovage config` was given. */
export interface ConfigArguments extends GlobalArguments {
  readonly explain?: boolean;
}

/** Prints every setting; with `--explain` also where its value came from, and which variable sets it. */
export async function showConfig(given: ConfigArguments): Promise<ExitCode> {
  const { app, settings } = await openApp(given, { logger: createCommandLogger(given.verbose) });
  const list = [...settings.values()];
  if (given.json)
    printJson(given.explain ? list : Object.fromEntries(list.map(({ path, value }) => [path, value ?? null])));
  else if (given.explain) {
    const rows = list.map(({ path, value, source, environment }) => [path, show(value), source, environment ?? '']);
    printData(formatTable(['setting', 'value', 'source', 'environment'], rows));
  } else {
    printData(
      formatTable(
        ['setting', 'value'],
        list.map(({ path, value }) => [path, show(value)]),
      ),
    );
  }
  await app.close();
  return 0;
}

function show(value: unknown): string {
  if (value === undefined) return '-';
  return Array.isArray(value) ? value.join(',') : String(value);
}
