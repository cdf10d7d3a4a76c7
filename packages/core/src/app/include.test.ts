import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { includedModules } from './include.ts';

function folderOf(...files: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'lovage-include-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
  return folder;
}

it('finds modules by patterns beside the app, and leaves out tests, declarations and the app', () => {
  const folder = folderOf(
    'app.ts',
    'tasks/b.ts',
    'tasks/a.ts',
    'tasks/a.test.ts',
    'tasks/a.d.ts',
    'tasks/deep/c.ts',
    'tasks/d.md',
  );
  const names = (...patterns: readonly string[]): readonly string[] =>
    includedModules(join(folder, 'app.ts'), patterns).map((file) => file.slice(folder.length + 1));
  expect(names('./tasks/*.ts')).toEqual(['tasks/a.ts', 'tasks/b.ts']);
  expect(names('./tasks/**/*.ts')).toEqual(['tasks/a.ts', 'tasks/b.ts', 'tasks/deep/c.ts']);
  expect(names('./tasks/a.ts', './tasks/a.ts')).toEqual(['tasks/a.ts']);
  expect(names('./*.ts')).toEqual([]);
  expect(() => names('./task/*.ts')).toThrow(/include ".\/task\/\*\.ts" names no module/);
});

it('of an app that was compiled, patterns mean the JavaScript', () => {
  const folder = folderOf('app.js', 'tasks/a.js', 'tasks/a.d.ts', 'tasks/a.js.map');
  expect(includedModules(join(folder, 'app.js'), ['./tasks/*.ts'])).toEqual([join(folder, 'tasks/a.js')]);
});
