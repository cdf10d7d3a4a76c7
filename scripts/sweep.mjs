// @ts-check
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/**
 * Deletes what was compiled from sources that are gone: `tsc -b` leaves it, turbo brings it back from its cache, and npm
 * would publish it.
 * @param {string} folder The one that holds the packages.
 */
export function sweep(folder = join(root, 'packages')) {
  for (const name of readdirSync(folder)) sweepPackage(join(folder, name));
}

/** @param {string} folder */
function sweepPackage(folder) {
  for (const file of unexpectedFiles(folder)) rmSync(join(folder, 'dist', file));
}

/**
 * The files under `dist`, compiled by tsc, that have no source.
 * @param {string} folder A package's.
 */
export function unexpectedFiles(folder) {
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) return [];
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => isLeftover(file, join(folder, 'src')));
}

/**
 * @param {string} file
 * @param {string} sources
 */
function isLeftover(file, sources) {
  const compiled = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file);
  return (
    compiled !== null &&
    !/^ui[\\/]/.test(file) && // pages, which vite empties and writes anew
    ['.ts', '.tsx', '.js'].every((extension) => !existsSync(join(sources, compiled[1] + extension)))
  );
}
