import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const core = fileURLToPath(new URL('..', import.meta.url));
const config = join(core, 'tsconfig.type-tests.json');
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

interface Compiled {
  readonly code: number;
  readonly output: string;
}

function compile(project: string): Promise<Compiled> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '--noEmit', '-p', project], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

/** Compiles one type test as tsconfig.type-tests.json compiles the real ones. */
function compileAlone(text: string): Promise<Compiled> {
  const cache = join(core, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'type-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'alone.test-d.ts'), `import { expectTypeOf } from 'vitest';\n${text}\n`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: config, include: ['*.test-d.ts'] }));
  return compile(folder);
}

describe('type tests', { timeout: 60_000 }, () => {
  it('every *.test-d.ts compiles', async () => {
    expect(await compile(config)).toEqual({ code: 0, output: '' });
  });

  it('a type that is as expected compiles', async () => {
    expect(await compileAlone('expectTypeOf(1).toEqualTypeOf<number>();')).toEqual({ code: 0, output: '' });
  });

  it.each([
    ['a wrong expectation', 'expectTypeOf(1).toEqualTypeOf<string>();', 'error TS2344'],
    [
      'an error that does not come',
      'expectTypeOf(1);\n// @ts-expect-error\nexport const fine: number = 1;',
      'error TS2578',
    ],
  ])('%s fails', async (_what, text, error) => {
    const { code, output } = await compileAlone(text);
    expect(code).not.toBe(0);
    expect(output).toContain(error);
  });
});
