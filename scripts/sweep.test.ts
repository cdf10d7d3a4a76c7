import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { sweep } from './sweep.mjs';

it('deletes what was compiled from sources that are gone, and nothing else', () => {
  const packages = mkdtempSync(join(tmpdir(), 'lovage-sweep-'));
  onTestFinished(() => rmSync(packages, { recursive: true, force: true }));
  for (const folder of ['src/task', 'dist/task']) mkdirSync(join(packages, 'core', folder), { recursive: true });
  writeFileSync(join(packages, 'core/src/task/kept.ts'), '');
  for (const file of ['kept.js', 'kept.js.map', 'kept.d.ts', 'gone.js', 'gone.js.map', 'gone.d.ts', 'script.lua']) {
    writeFileSync(join(packages, 'core/dist/task', file), '');
  }
  writeFileSync(join(packages, 'core/dist/.tsbuildinfo'), '');
  sweep(packages);
  expect(readdirSync(join(packages, 'core/dist/task')).sort()).toEqual([
    'kept.d.ts',
    'kept.js',
    'kept.js.map',
    'script.lua',
  ]);
  expect(readdirSync(join(packages, 'core/dist'))).toContain('.tsbuildinfo');
});
