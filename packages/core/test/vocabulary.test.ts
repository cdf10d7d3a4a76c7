import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagesFolder, readModules } from './repository.ts';
import { readSpoken, retiredUses, wordsOf } from './vocabulary.ts';

/** What users meet: the published packages, without their tests. */
const isJudged = (folder: string, file: string): boolean =>
  !(folder === 'bench' || folder === 'chaos' || file.startsWith('testing/') || /\.(lua|test|test-d)\.ts$/.test(file));

describe('the vocabulary', () => {
  const files = readModules()
    .filter(({ folder, file }) => isJudged(folder, file))
    .map(({ folder, file }) => `${folder}/src/${file}`);

  it('reads the sources it judges', () => {
    expect(files.length).toBeGreaterThan(400);
  });

  it('names and texts use the words of the field', () => {
    const uses = files.flatMap((file) =>
      retiredUses(readSpoken(file, readFileSync(join(packagesFolder, file), 'utf8'))),
    );
    expect(uses).toEqual([]);
  });
});

describe('the vocabulary test reports', () => {
  const uses = (code: string): readonly string[] => retiredUses(readSpoken('a.ts', code));

  it.each([
    ['a class', 'class Strays {}', 'a.ts: Strays: "strays": say orphans, or pending entries'],
    ['a private member', 'this.#keepEarly(); this.#upkeep = 1;', 'a.ts: #upkeep: "upkeep": say maintenance'],
    ['a part of a name', 'const doomTools = 1;', 'a.ts: doomTools: "doom": say fail dependents'],
    ['a constant', 'const MAX_PATIENCE = 1;', 'a.ts: MAX_PATIENCE: "patience": say max wait'],
    ['a name in a type', 'type A = Admission;', 'a.ts: Admission: "admission": say semaphore'],
    ['a log line', "log.warn('broker trouble, retrying');", 'a.ts: broker trouble, retrying: "trouble": say error'],
    ['a template', 'throw new Error(`nobody has it`);', 'a.ts: nobody has it: "nobody": say no process, or no worker'],
  ])('%s', (_what, code, use) => {
    expect(uses(code)).toEqual([use]);
  });

  it.each([
    ['comments', '// strays of the upkeep\n/** doom */'],
    ['values on the wire', "send('admission'); keys.push('strays');"],
    ['module names', "import { a } from './strays of.ts';\nawait import('./upkeep of.ts');"],
    ['longer words', 'const foreboding = springs; const domain = refits;'],
    ['patterns with quotes', 'const a = /[\'"`]/; const b = 1; // strays'],
  ])('but not %s', (_what, code) => {
    expect(uses(code)).toEqual([]);
  });

  it('takes names apart', () => {
    expect(wordsOf('#keepEarlyNotification')).toEqual(['keep', 'early', 'notification']);
    expect(wordsOf('MAX_WAIT')).toEqual(['max', 'wait']);
  });
});
