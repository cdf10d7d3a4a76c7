import { describe, expect, it } from 'vitest';
import { createProject, lovage, refuses } from './run-cli.ts';

describe('finding the app', () => {
  const source =
    "import { Lovage } from 'lovage'; export const app = new Lovage('found'); app.task('who', () => 'me');";

  it.each([
    ['TypeScript', './typed.ts', ['add', '2', '3'], '5'],
    ['TypeScript, without its extension', 'typed', ['add', '2', '3'], '5'],
    ['JavaScript with a default export', './plain.js', ['add', '2', '3'], '5'],
    ['decorators', './decorators.ts', ['mail.send', 'me'], 'shop to me'],
    ['one export of several, by colon', './two-apps.ts:bank', ['balance'], '100'],
    ['one export of several, by hash', './two-apps.ts#bank', ['balance'], '100'],
  ])('%s', async (_what, app, call, value) => {
    expect(await lovage(['-A', app, 'call', ...call])).toMatchObject({ code: 0, stdout: `${value}\n` });
  });

  it.each([
    ['package.json', { 'package.json': '{"type":"module","lovage":{"app":"./lib/main.js"}}', 'lib/main.js': source }],
    ['the config file', { 'lovage.config.json': '{"app":"./main.mjs"}', 'main.mjs': source }],
    ['src/tasks.ts', { 'package.json': '{"type":"module"}', 'src/tasks.ts': source }],
    ['src/lovage.ts', { 'package.json': '{"type":"module"}', 'src/lovage.ts': source }],
    ['tasks.mjs', { 'tasks.mjs': source }],
    ['TypeScript in a package without a type', { 'package.json': '{}', 'tasks.ts': source }],
    [
      'tasks in modules that the app includes',
      {
        'package.json': '{"type":"module"}',
        'tasks.js':
          "import { Lovage } from 'lovage'; export const app = new Lovage('found', { include: ['./tasks/*.js'] });",
        'tasks/who.js': "import { app } from '../tasks.js'; app.task('who', () => 'me');",
      },
    ],
    [
      'TypeScript in a CommonJS package, as npm init makes it',
      { 'package.json': '{"type":"commonjs"}', 'tasks.ts': source },
    ],
  ])('%s', async (_where, files) => {
    expect(await lovage(['call', 'who'], { cwd: createProject(files) })).toMatchObject({ code: 0, stdout: 'me\n' });
  });

  it.each([
    ['./missing.ts', /^error: app \.\/missing\.ts: there is no such module in /],
    [
      './throwing.ts',
      /^error: app \.\/throwing\.ts does not load: TypeError: Cannot read properties of undefined \(reading 'length'\) \(.*throwing\.ts:6:\d+\)\n$/,
    ],
    [
      './no-export.ts',
      /^error: app \.\/no-export\.ts exports no Lovage app: export it as "app" or by default \(it exports add, name\)\n$/,
    ],
    ['./two-apps.ts', /exports several apps \(bank, shop\): name one, as in -A \.\/two-apps\.ts:bank/],
    ['./two-apps.ts:bnak', /has no export "bnak": did you mean "bank"\?/],
    ['./no-export.ts:name', /its export "name" is not a Lovage app/],
  ])('refuses %s with 70', (app, message) => refuses(['-A', app, 'call', 'add'], 70, message));

  it('shows the stack of a module that throws with --verbose', async () => {
    const { code, stderr } = await lovage(['-A', './throwing.ts', 'queues', '--verbose']);
    expect(code).toBe(70);
    expect(stderr).toMatch(/error: app .*\n[\s\S]*at .*throwing\.ts:6/);
  });

  it('says what was tried when there is none', async () => {
    const cwd = createProject({});
    await refuses(
      ['worker'],
      70,
      /^.*error: no app: name its module with -A \.\/tasks\.ts \(looked for package\.json/s,
      cwd,
    );
    await refuses(['call', 'add'], 70, /^error: no app: /, cwd);
  });

  it('does without one where only a broker is needed', async () => {
    const cwd = createProject({ 'tasks.mjs': 'export const unrelated = 1;' });
    expect(await lovage(['queues', '--json'], { cwd })).toMatchObject({ code: 0, stdout: '[]\n' });
  });

  it('sees a duplicate task and an unknown option as an app that does not load', async () => {
    const twice = `${source} app.task('who', () => 'you');`;
    const typo = `${source} app.task({ name: 'x', quue: 'y' }, () => 1);`;
    const cwd = createProject({ 'twice.mjs': twice, 'typo.mjs': typo });
    await Promise.all([
      refuses(
        ['-A', 'twice.mjs', 'queues'],
        70,
        /does not load: DuplicateTaskError: task "who" is already defined/,
        cwd,
      ),
      refuses(
        ['-A', 'typo.mjs', 'queues'],
        70,
        /does not load: ConfigurationError: .*unknown option "quue".*did you mean "queue"\?/,
        cwd,
      ),
    ]);
  });
});

describe('config', () => {
  it('explains where each value came from, with passwords hidden', async () => {
    const cwd = createProject({
      'lovage.config.mjs':
        "export default { worker: { concurrency: 3, drain: '9s' }, 'connection.connectTimeout': '2s' };",
      'tasks.mjs':
        "import { Lovage } from 'lovage'; export const app = new Lovage('x', { resultExpires: '2d', worker: { drain: '1s', crashBudget: 5 } });",
    });
    const args = ['config', '--explain', '--json', '--broker', 'redis://me:secret@localhost:6379/0'];
    const { code, stdout } = await lovage(args, { cwd, env: { LOVAGE_CONCURRENCY: '5' } });
    expect(code).toBe(0);
    const settings = new Map((JSON.parse(stdout) as { path: string }[]).map((setting) => [setting.path, setting]));
    const found = (path: string) => settings.get(path);
    expect(found('broker')).toMatchObject({
      value: 'redis://me:***@localhost:6379/0',
      source: 'flag',
      environment: 'LOVAGE_BROKER_URL',
    });
    expect(found('worker.concurrency')).toMatchObject({ value: 5, source: 'environment LOVAGE_CONCURRENCY' });
    expect(found('worker.drain')).toMatchObject({ value: 9000, source: 'config file lovage.config.mjs' });
    expect(found('connection.connectTimeout')).toMatchObject({ value: 2000, source: 'config file lovage.config.mjs' });
    expect(found('worker.crashBudget')).toMatchObject({ value: 5, source: 'constructor' });
    expect(found('worker.lockDuration')).toMatchObject({ value: 30000, source: 'default' });
  });

  it('prints tables for people', async () => {
    const cwd = createProject({});
    const [plain, explained] = await Promise.all([
      lovage(['config'], { cwd }),
      lovage(['config', '--explain'], { cwd }),
    ]);
    expect(plain.stdout).toMatch(/^setting +value\n[\s\S]*worker\.concurrency +8\n/);
    expect(explained.stdout).toMatch(/worker\.concurrency +8 +default +LOVAGE_CONCURRENCY\n/);
  });

  it.each([
    [
      'lovage.config.json',
      '{"worker":{"concurency":3}}',
      /lovage\.config\.json: unknown setting "worker\.concurency": did you mean "worker\.concurrency"\?/,
    ],
    ['lovage.config.json', '{"worker"', /lovage\.config\.json does not load: /],
    ['lovage.config.mjs', 'export const other = 1;', /lovage\.config\.mjs exports no settings/],
    [
      'lovage.config.ts',
      'export const config = { worker: { concurrency: 0 as number } };',
      /worker\.concurrency \(config file lovage\.config\.ts\): expected a whole number from 1/,
    ],
  ])('refuses a wrong %s', (name, text, message) => refuses(['config'], 2, message, createProject({ [name]: text })));

  it('refuses a wrong variable', async () => {
    const { code, stderr } = await lovage(['config'], { env: { LOVAGE_DRAIN: 'soon' } });
    expect(stderr).toMatch(/^error: worker\.drain \(environment LOVAGE_DRAIN\): 'soon' is not a duration/);
    expect(code).toBe(2);
  });
});
