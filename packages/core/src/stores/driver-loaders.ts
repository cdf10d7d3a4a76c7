/** Loads the module of a package of drivers. */
export type DriverLoader = () => Promise<object>;

const loaders = new Map<string, DriverLoader>();

/**
 * Tells how packages of drivers are loaded, by their names: a package that depends on them has to import them itself, with the name written
 * out, or package managers without a common folder (pnpm with `hoist=false`, Yarn PnP) and bundlers cannot find them. `lovage` does so
 * for its own.
 */
export function registerDriverLoaders(more: Readonly<Record<string, DriverLoader>>): void {
  for (const [name, load] of Object.entries(more)) loaders.set(name, load);
}

/** The module of a package of drivers: by its registered loader, else as this package finds it. */
export function loadDriverModule(name: string): Promise<object> {
  const load = loaders.get(name);
  return load ? load() : import(name);
}
