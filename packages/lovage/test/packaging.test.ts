import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unexpectedFiles } from '../../../scripts/sweep.mjs';
import { type Ended, type Packed, packAll, publishedPackages, root, run, runTool } from './packed.ts';

const limit = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'lovage-packed-'));
let packed: readonly Packed[] = [];

beforeAll(async () => {
  packed = await packAll(folder);
}, limit);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function packedAs(name: string): Packed {
  const found = packed.find((one) => one.name === name);
  if (!found) throw new Error(`npm did not pack ${name}`);
  return found;
}

describe.each(publishedPackages())('$name, as npm would publish it', { timeout: limit }, ({ name }) => {
  it('is clean for publint', async () => {
    const tarball = readFileSync(packedAs(name).tarball);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it('is clean for are-the-types-wrong', async () => {
    const args = [packedAs(name).tarball, '--profile', 'esm-only', '--no-color', '--no-emoji'];
    const { code, stdout } = await runTool('@arethetypeswrong/cli', 'dist/index.js', args);
    expect(code, stdout).toBe(0);
  });

  it('holds its compiled sources, its licence, and nothing else', () => {
    const { files, folder: source } = packedAs(name);
    const wanted = /^(?:dist\/.+|package\.json|README\.md|LICENSE)$/;
    const unwanted = /\.test(?:-d)?\.|tsbuildinfo/;
    expect(files.filter((file) => !wanted.test(file) || unwanted.test(file))).toEqual([]);
    expect(unexpectedFiles(source), 'compiled from sources that are gone: npm run build').toEqual([]);
    expect(readFileSync(join(source, 'LICENSE'), 'utf8')).toBe(readFileSync(join(root, 'LICENSE'), 'utf8'));
    expect(files).toContain('LICENSE');
  });
});

describe('in an empty folder, from the tarballs', { timeout: limit }, () => {
  const user = join(folder, 'user');
  const write = (name: string, text: string): void => writeFileSync(join(user, name), text);

  /** As a careful user has it: strict, and declaration files checked too. */
  function compile(file: string): Promise<Ended> {
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      module: 'nodenext',
      target: 'es2023',
      types: ['node'],
      skipLibCheck: false,
    };
    write('tsconfig.json', JSON.stringify({ compilerOptions, files: [file] }));
    return runTool('typescript', 'bin/tsc', ['-p', user]);
  }

  beforeAll(async () => {
    mkdirSync(user);
    write('package.json', JSON.stringify({ name: 'user', private: true, type: 'module' }));
    const typesOfNode = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies['@types/node'];
    const wanted = [...packed.map(({ tarball }) => tarball), `@types/node@${typesOfNode}`];
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
    const installed = await run('npm', ['install', ...quiet, ...wanted], user);
    if (installed.code !== 0) throw new Error(`npm install failed: ${installed.stderr}`);
  }, limit);

  it('a typed program compiles and runs', async () => {
    write('main.ts', program);
    expect(await compile('main.ts')).toMatchObject({ code: 0, stdout: '' });
    const ran = await run(process.execPath, ['main.js'], user);
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: '5\n' });
  });

  it('a program with a wrong argument does not compile', async () => {
    write('wrong.ts', program.replace('delay(2, 3)', "delay('2', 3)"));
    const { code, stdout } = await compile('wrong.ts');
    expect(code).not.toBe(0);
    expect(stdout).toContain("Argument of type 'string' is not assignable to parameter of type 'number'");
  });

  it('the lovage command answers', async () => {
    const answer = await run(join(user, 'node_modules', '.bin', 'lovage'), ['--help'], user);
    expect(answer, answer.stderr).toMatchObject({ code: 0 });
    expect(answer.stdout).toContain('worker');
  });
});

const program = `
import { Lovage } from 'lovage';
import { startWorker } from 'lovage/worker';

const app = new Lovage('demo', { broker: 'memory://' });
const add = app.task('add', (x: number, y: number) => x + y);
const worker = await startWorker(app, { concurrency: 4 });
const result = await add.delay(2, 3);
const sum: number = await result.get({ timeout: '5s' });
console.log(sum);
await worker.close();
await app.close();
`;
