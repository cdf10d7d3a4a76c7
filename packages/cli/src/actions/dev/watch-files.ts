import { existsSync, type FSWatcher, readdirSync, watch } from 'node:fs';
import { join, relative } from 'node:path';

/** Folders that hold no source of the app. */
const ignored = /^(?:node_modules|dist|build|coverage|\..*)$/;
const sources = /(?:\.[cm]?[jt]sx?|\.json|^\.env(?:\..*)?)$/;
/** Changes that come so soon after one another are one; milliseconds. */
const quiet = 150;
const mostFolders = 2_000;

/**
 * Tells of sources that change in a folder and those below it, `node_modules` and the like left out: Node's own recursive watch would
 * look into them. Returns what ends it.
 */
export function watchFiles(folder: string, onChange: (files: readonly string[]) => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const tell = (): void => {
    const files = [...changed];
    changed.clear();
    onChange(files);
  };
  const note = (path: string, name: string): void => {
    const file = join(path, name);
    if (sources.test(name)) {
      changed.add(relative(folder, file));
      clearTimeout(timer);
      timer = setTimeout(tell, quiet);
    } else if (!ignored.test(name)) add(file);
  };
  const add = (path: string): void => {
    if (watchers.has(path) || watchers.size >= mostFolders || !isFolder(path)) return;
    const watcher = watch(path, (_event, name) => note(path, name ?? ''));
    watcher.on('error', () => close(path)); // it was removed
    watchers.set(path, watcher);
    for (const entry of readdirSync(path, { withFileTypes: true }))
      if (entry.isDirectory() && !ignored.test(entry.name)) add(join(path, entry.name));
  };
  const close = (path: string): void => {
    watchers.get(path)?.close();
    watchers.delete(path);
  };
  add(folder);
  return () => {
    clearTimeout(timer);
    for (const path of [...watchers.keys()]) close(path);
  };
}

function isFolder(path: string): boolean {
  try {
    return existsSync(path) && readdirSync(path).length >= 0;
  } catch {
    return false;
  }
}
