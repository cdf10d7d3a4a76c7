import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { packagesFolder } from './repository.ts';

/** Packages that a door of core loads at once: those of its value imports, and of the files they lead to. */
function loadedBy(door: string, atLeast = 20): ReadonlySet<string> {
  const seen = new Set<string>();
  const found = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !existsSync(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of text.matchAll(/^(?:import|export) (?!type\b)[^;]*?from '([^']+)';/gms)) {
      if (specifier?.startsWith('.')) visit(join(dirname(file), specifier));
      else if (specifier) found.add(specifier);
    }
  };
  visit(join(packagesFolder, 'core', 'src', door));
  expect(seen.size, 'files that were followed').toBeGreaterThan(atLeast);
  return found;
}

it('the main door loads neither zod nor croner; the door of beat does, so the look is a real one', () => {
  const [main, beat] = [loadedBy('index.ts'), loadedBy('beat.ts')];
  expect([...main].filter((name) => !name.startsWith('node:'))).toEqual([]);
  expect([...beat]).toEqual(expect.arrayContaining(['croner', 'zod']));
});

it('the testing door loads no test runner; the conformance door loads vitest', () => {
  expect([...loadedBy('testing.ts', 3)]).not.toContain('vitest');
  expect([...loadedBy('conformance.ts')]).toContain('vitest');
});
