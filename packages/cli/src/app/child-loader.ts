/** Loads the app in a thread or process of a worker's pool, as the worker itself did: TypeScript, flags, config file and all. */
import { fileURLToPath } from 'node:url';
import type { Lovage } from '@lovage/core';
import { setOverrides } from '@lovage/core/worker';
import { readConfigFile } from './config-file.ts';
import { loadApp as load } from './load-app.ts';
import { knownSettings } from './open-app.ts';

/**
 * The variable that carries a worker's flags to its children: they may hold the broker's password, which arguments
 * would show to everybody on the machine.
 */
export const childFlags = 'LOVAGE_CHILD_FLAGS';

/** Called by the pool's child. */
export async function loadApp({ url, exportName }: { url: string; exportName?: string }): Promise<Lovage> {
  const file = await readConfigFile(process.cwd(), knownSettings());
  const flags = JSON.parse(process.env[childFlags] ?? '{}') as Readonly<Record<string, unknown>>;
  setOverrides({ flags, file: file?.settings ?? {}, ...(file ? { fileName: file.name } : {}) });
  const path = fileURLToPath(url);
  return load({ file: path, shown: path, ...(exportName === undefined ? {} : { exportName }) });
}
