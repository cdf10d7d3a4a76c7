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

function compile(project: string, ...flags: readonly string[]): Promise<Compiled> {
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, '--noEmit', '-p', project, ...flags], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}

/** Compiles one type test as tsconfig.type-tests.json compiles the real ones. */
function compileAlone(text: string, ...flags: readonly string[]): Promise<Compiled> {
  const cache = join(core, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'type-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'alone.test-d.ts'), `import { expectTypeOf } from 'vitest';\n${text}\n`);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: config, include: ['*.test-d.ts'] }));
  return compile(folder, ...flags);
}

describe('type tests', { timeout: 60_000 }, () => {
  it('every *.test-d.ts compiles', async () => {
    expect(await compile(config)).toEqual({ code: 0, output: '' });
  });

  it('a type that is as expected compiles', async () => {
    expect(await compileAlone('expectTypeOf(1).toEqualTypeOf<number>();')).toEqual({ code: 0, output: '' });
  });

  it('fifty steps in a chain take tsc less than a second', async () => {
    const steps = (count: number) => `
import { Lovage } from '${join(core, 'src/app/app.ts')}';
import { chain } from '${join(core, 'src/canvas/chain.ts')}';
const add = new Lovage('types').task('add', (x: number, y: number) => x + y);
const s = add.s(1);
export const whole: unknown = chain(add.s(1, 1)${', s'.repeat(count)});
expectTypeOf(whole).toBeUnknown();`;
    const checkTime = async (count: number): Promise<number> => {
      const { code, output } = await compileAlone(steps(count), '--extendedDiagnostics');
      expect(code, output).toBe(0);
      return Number(/Check time:\s*([\d.]+)s/.exec(output)?.[1]);
    };
    const [few, fifty] = [await checkTime(1), await checkTime(49)];
    expect(fifty - few).toBeLessThan(1);
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
