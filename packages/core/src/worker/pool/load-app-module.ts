import { fileURLToPath, pathToFileURL } from 'node:url';
import { Lovage } from '../../app/app.ts';
import { includedModules } from '../../app/include.ts';
import { ConfigurationError } from '../../errors.ts';
import type { AppModule } from './child-message.ts';

/** Loads the app of a module, through the given loader where there is one. */
export async function loadAppModule({ url, exportName, loader }: AppModule): Promise<Lovage> {
  if (loader !== undefined) {
    const { loadApp } = (await import(loader)) as {
      loadApp: (from: { url: string; exportName?: string }) => Promise<Lovage>;
    };
    return loadApp({ url, ...(exportName === undefined ? {} : { exportName }) });
  }
  const module = (await import(url)) as Record<string, unknown>;
  const found = candidates(module, exportName).find((value) => value instanceof Lovage);
  if (found) {
    for (const file of includedModules(fileURLToPath(url), found.include)) await import(pathToFileURL(file).href);
    return found;
  }
  throw new ConfigurationError(
    `${url} exports no app${exportName === undefined ? ' as default or by any name' : ` named "${exportName}"`}`,
  );
}

/** Of a CommonJS module, `module.exports` is the default export, whether or not Node could tell its names. */
function candidates(module: Record<string, unknown>, exportName: string | undefined): readonly unknown[] {
  const { default: main, ...named } = module;
  const inside = typeof main === 'object' && main !== null && !(main instanceof Lovage) ? main : {};
  const all: Record<string, unknown> = { ...inside, ...named };
  return exportName === undefined || exportName === 'default'
    ? [main, all['app'], ...(exportName ? [] : Object.values(all))]
    : [all[exportName]];
}
