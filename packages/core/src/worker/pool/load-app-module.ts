import { Lovage } from '../../app/app.ts';
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
  const found = exportName === undefined ? (module.default ?? module.app) : module[exportName];
  if (found instanceof Lovage) return found;
  throw new ConfigurationError(
    `${url} exports no app${exportName === undefined ? ' as default or "app"' : ` named "${exportName}"`}`,
  );
}
