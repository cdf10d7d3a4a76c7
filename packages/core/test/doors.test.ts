import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Module } from './import-graph.ts';
import { packagesFolder, readModules, readPackages } from './repository.ts';
import { type ExportedName, exportedNames, readSource } from './source-code.ts';

const modules = readModules();
const published = readPackages().filter((found) => found.published);

/**
 * Every name that a published package gives out stands in `packages/<package>/test/doors.snapshot.txt`, so that a change of
 * the public surface is seen in review. After a deliberate one: `npx vitest run packages/core/test/doors.test.ts -u`.
 */
describe.each(published)('the doors of $name', ({ folder, doors }) => {
  it('give out the names that are written down', async () => {
    const listing = [...doors].map(([specifier, file]) => list(specifier, exportedNames(door(folder, file))));
    const snapshot = join(packagesFolder, folder, 'test', 'doors.snapshot.txt');
    await expect(`${listing.join('\n')}`).toMatchFileSnapshot(snapshot);
  });

  it.each([...doors])('%s has the values that its export list promises', async (_specifier, file) => {
    const values = exportedNames(door(folder, file)).filter(({ isType }) => !isType);
    const real: object = await import(join(packagesFolder, folder, 'src', file));
    expect(values.map(({ name }) => name)).toEqual(Object.keys(real).sort());
  });
});

describe('the reader of export lists', () => {
  it('tells types from values, and takes the name outside', () => {
    const names = exportedNames(
      readSource(`
        /** export { no } from './comment.ts'; */
        export type { B, A as C } from './a.ts';
        export { type T, value, inner as outer, type as word } from './b.ts';
      `),
    );
    expect(names).toEqual([
      { name: 'B', isType: true },
      { name: 'C', isType: true },
      { name: 'T', isType: true },
      { name: 'outer', isType: false },
      { name: 'value', isType: false },
      { name: 'word', isType: false },
    ]);
  });
});

function door(folder: string, file: string): Module {
  const found = modules.find((module) => module.folder === folder && module.file === file);
  if (!found) throw new Error(`${folder}/src/${file} is not there`);
  return found;
}

function list(specifier: string, names: readonly ExportedName[]): string {
  return [specifier, ...names.map(({ name, isType }) => `  ${isType ? 'type ' : ''}${name}`), ''].join('\n');
}
