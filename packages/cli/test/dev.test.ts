import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createProject, lovage, start } from './run-cli.ts';

const tasks = (word: string): string => `
import { Lovage } from 'lovage';
export const app = new Lovage('fresh');
export const hello = app.task('hello', (name) => \`${word} \${name}\`);
`;

it('runs an app of three lines, a task typed at it, and starts anew when the file changes', {
  timeout: 40_000,
}, async () => {
  const cwd = createProject({ 'package.json': '{"type":"module"}', 'tasks.js': tasks('hello') });
  const dev = start(['dev'], { cwd, typed: true });
  await dev.says(/ tasks[\s\S]* hello\(name\)[\s\S]*next +type: hello 1\n/);
  dev.child.stdin?.write('helo\nhello "dear world"\n');
  await dev.prints(/^hello dear world\n/);
  await dev.says(/no task "helo"; did you mean "hello"\?/);
  writeFileSync(join(cwd, 'tasks.js'), 'export const broken = ;');
  await dev.says(/changed: tasks\.js; starting anew/);
  await dev.says(/the app ended \(70\); waiting for a change/);
  writeFileSync(join(cwd, 'tasks.js'), tasks('goodbye'));
  await dev.says(/starting anew[\s\S]*starting anew[\s\S]*next +type: hello/);
  dev.child.stdin?.write('hello you\n');
  await dev.prints(/goodbye you\n/);
  dev.kill('SIGTERM');
  const { code, stderr } = await dev.ended;
  expect(stderr).toContain('stopped: no task handed back');
  expect(code).toBe(0);
});

it('writes starter files that run and pass their own test, and leaves what is there', { timeout: 40_000 }, async () => {
  const cwd = createProject({ 'producer.ts': '// mine\n' });
  const first = await lovage(['init', '--docker', '--k8s', '--systemd'], { cwd });
  expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('kept producer.ts') });
  for (const name of ['tasks.ts', 'tasks.test.ts', 'package.json', 'Dockerfile', 'compose.yaml', 'worker.k8s.yaml'])
    expect(first.stdout).toContain(`wrote ${name}\n`);
  expect(await lovage(['call', 'greet', '{"name":"you"}'], { cwd })).toMatchObject({ code: 0, stdout: 'hello you\n' });
  const { status, stdout } = spawnSync('npm', ['test', '--silent'], { cwd, encoding: 'utf8' });
  expect({ status, passed: /pass 2/.test(stdout) }, stdout).toEqual({ status: 0, passed: true });
});
