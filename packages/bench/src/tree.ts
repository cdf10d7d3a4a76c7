import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This checkout of the repository. */
export const ownTree: string = fileURLToPath(new URL('../../..', import.meta.url));

let measured = ownTree;

/** Measures the build of that checkout from now on; the harness stays this one's. */
export function measureTree(path: string): void {
  measured = path;
}

/** A file of the checkout that is measured, by its path in the repository. */
export function fileInTree(path: string): string {
  return join(measured, path);
}

/** Whether a folder is a checkout that was built. */
export function isBuiltTree(path: string): boolean {
  return existsSync(join(path, 'packages/bench/dist/child.js'));
}
