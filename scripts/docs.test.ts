// What the guides say, held against the sources: options, variables, error codes, links, and every code block by tsc.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const guides = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const examples = readdirSync(join(root, 'examples'))
  .filter((name) => /^\d\d-/.test(name))
  .map((name) => `examples/${name}/README.md`);
const pages = ['README.md', ...guides, ...examples];

/** The names of an interface's fields, as its source has them. */
function fieldsOf(file: string, name: string): readonly string[] {
  const [, body = ''] = new RegExp(`interface ${name} (?:extends \\w+ )?\\{\\n(.*?)\\n\\}`, 's').exec(read(file)) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, field]) => field ?? '');
}

const namesIn = (text: string): readonly string[] => [...text.matchAll(/`([\w.]+)`/g)].map(([, name]) => name ?? '');

describe('the guides', () => {
  it('tasks.md names every option of a task and of a call', () => {
    const options = fieldsOf('packages/core/src/task/task-options.ts', 'TaskOptions');
    const callOptions = fieldsOf('packages/core/src/producer/call-options.ts', 'CallOptions');

    expect(options.length).toBeGreaterThan(15);
    expect(callOptions.length).toBeGreaterThan(10);
    expect(namesIn(read('docs/tasks.md'))).toEqual(expect.arrayContaining([...options, ...callOptions]));
  });

  it('workers.md names every setting of a worker, and every environment variable', () => {
    const source =
      read('packages/core/src/settings/app-options.ts') + read('packages/core/src/settings/retention-settings.ts');
    const settings = fieldsOf('packages/core/src/settings/app-options.ts', 'WorkerSettings');
    const variables = [...new Set(source.match(/LOVAGE_[A-Z_]*[A-Z]/g))];

    expect(settings.length).toBeGreaterThan(5);
    expect(variables.length).toBeGreaterThan(10);
    expect(namesIn(read('docs/workers.md'))).toEqual(expect.arrayContaining([...settings, ...variables]));
  });

  it('errors.md names every error class with its code', () => {
    const source = read('packages/core/src/errors.ts');
    const codes = [...(/type ErrorCode =(.*?);/s.exec(source)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(([, code]) => code);
    const classes = [...source.matchAll(/^export class (\w+)/gm)].map(([, name]) => name);

    expect(codes.length).toBeGreaterThan(20);
    expect(namesIn(read('docs/errors.md'))).toEqual(expect.arrayContaining([...codes, ...classes]));
  });

  it.each(pages)('%s links to what exists', (page) => {
    const targets = [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, target]) => target ?? '');

    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });

  it('architecture.md names files that are there', () => {
    const roots = [
      '.',
      'packages/core/src',
      'packages/core/src/worker',
      'packages/redis/src/streams',
      'packages/cli/src',
    ];
    const named = [...read('docs/architecture.md').matchAll(/`([\w./-]+(?:\.ts|\/))`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((path) => !roots.some((folder) => existsSync(join(root, folder, path))))).toEqual([]);
  });

  it('every TypeScript block is a program that type-checks', { timeout: 120_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'lovage-docs-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const blocks = pages.flatMap((page) => extractBlocks(page));
    for (const { file, code } of blocks) writeFileSync(join(folder, file), code);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(compilerConfig));

    const tsc = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });

    expect(blocks.length).toBeGreaterThan(8);
    // The sources are read too; what is wrong in them is another test's to say.
    expect(tsc.stdout.split('\n').filter((line) => line.includes(basename(folder)))).toEqual([]);
    expect(tsc.stderr).toBe('');
  });
});

/** The blocks of a page; one that names its file in its first line is found by the others under that name. */
function extractBlocks(page: string): readonly { readonly file: string; readonly code: string }[] {
  const prefix = page.replaceAll(/\W+/g, '-');
  return [...read(page).matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], index) => {
    const named = /^\/\/ (\S+\.ts)$/m.exec(code)?.[1] ?? `block-${index}.ts`;
    return { file: `${prefix}-${named}`, code: code.replaceAll("'./tasks.ts'", `'./${prefix}-tasks.ts'`) };
  });
}

const compilerConfig = {
  extends: join(root, 'tsconfig.tests.json'),
  compilerOptions: {
    paths: {
      '@lovage/core/*': [join(root, 'packages/core/src/*.ts')],
      '@lovage/*': [join(root, 'packages/*/src/index.ts')],
      'lovage/*': [join(root, 'packages/lovage/src/*.ts')],
      lovage: [join(root, 'packages/lovage/src/index.ts')],
    },
    typeRoots: [join(root, 'node_modules/@types')],
    moduleDetection: 'force',
    // A guide shows names it does not go on to use.
    noUnusedLocals: false,
  },
  include: ['*.ts'],
};
