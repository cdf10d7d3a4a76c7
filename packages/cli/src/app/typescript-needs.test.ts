import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { needsCompiler } from './typescript-needs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lovage-needs-'));
  write('package.json', '{"type":"module"}');
  write('other.ts', 'export const other: number = 1;');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

it.each([
  ['plain types', "import { other } from './other.ts';\nexport const a: number = other;", false],
  ['a decorator in a comment', '/**\n * @app.task()\n */\n// @x\nexport const a = 1;', false],
  ['an import in a circle', "export * from './main.ts';", false],
  ['a decorator', "class A {\n  @app.task('x')\n  run() {}\n}", true],
  ['an enum', 'export enum Colour { Red }', true],
  ['a namespace', 'namespace A { export const b = 1 }', true],
  ['parameter properties', 'class A { constructor(private readonly a: string) {} }', true],
  ['an import without extension', "import { other } from './other';", true],
  ['an import of .js for .ts', "import { other } from './other.js';", true],
])('%s', (_what, text, needs) => {
  expect(needsCompiler(write('main.ts', text))).toBe(needs);
});

it('looks into what a module imports', () => {
  write('other.ts', 'export enum Colour { Red }');
  expect(needsCompiler(write('main.ts', "import { Colour } from './other.ts';"))).toBe(true);
});

it('says so of ES modules in a CommonJS package', () => {
  write('package.json', '{ "type": "commonjs" }');
  expect(needsCompiler(write('main.ts', 'export const a = 1;'))).toBe(true);
  expect(needsCompiler(write('main.mts', 'export const a = 1;'))).toBe(false);
});

it.each(['\n', '/*', ' ', 'from  '])('takes linear time for a source of many %j', (part) => {
  const began = performance.now();
  needsCompiler(write('long.ts', `import { other } from './other.ts';\n${part.repeat(131_072 / part.length)}`));
  expect(performance.now() - began).toBeLessThan(1_000);
});
