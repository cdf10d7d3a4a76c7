import { readdirSync, readFileSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { formatLogLine } from './log-line.ts';
import { paint, printable } from './paint.ts';
import { describeError, oneLine } from './print.ts';

it('tells an error and its causes in one line, each thing once', () => {
  // biome-ignore lint/suspicious/useErrorMessage: net.connect gives none either
  const refused = new AggregateError([
    new Error('connect ECONNREFUSED ::1:1'),
    new Error('connect ECONNREFUSED 127.0.0.1:1'),
  ]);
  const error = new Error('broker redis://:pw@h cannot be\n  used', { cause: refused });
  expect(describeError(error)).toBe(
    'broker redis://:***@h cannot be used: connect ECONNREFUSED ::1:1, connect ECONNREFUSED 127.0.0.1:1',
  );
  const repeated = new Error('it failed: no space', { cause: new Error('no space') });
  expect(describeError(repeated)).toBe('it failed: no space');
  expect(describeError('thrown text')).toBe('thrown text');
});

it('ends with causes that go in a circle', () => {
  const error: Error = new Error('a');
  error.cause = error;
  expect(describeError(error)).toBe('a');
});

it('shows the control characters of others, keeps its own colours, and takes time in proportion to the text', () => {
  vi.stubEnv('FORCE_COLOR', '1');
  expect(printable(paint('red', 'bad \u001b[2J name'))).toBe('\u001b[31mbad \\u001b[2J name\u001b[39m');
  vi.stubEnv('FORCE_COLOR', undefined);
  const line = formatLogLine({ level: 'info', time: 0, message: 'm\u001b]0;title\u0007', fields: { task: 't\u009b' } });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(line).not.toMatch(/\u001b\]|\u0007|\u009b/);
  expect(line).toContain('m\\u001b]0;title\\u0007');
  const began = performance.now();
  expect(oneLine(`${' '.repeat(128_000)}x\r\n  y`)).toBe('x y');
  expect(performance.now() - began).toBeLessThan(1_000); // a pattern that looks back took 38 s
});

it('only the files of output/ write to the terminal, so that nothing of others reaches it as it is', () => {
  const root = new URL('../', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  );
  const writers = files.filter((file) => {
    const text = readFileSync(new URL(file, root), 'utf8');
    return /\bstd(?:out|err)\.write\(|\bconsole\.\w+\(/.test(text);
  });
  const others = writers.filter((file) => !file.startsWith('output/'));
  // clean and full screens, the help of yargs, and the text of a program for users
  expect(others.sort()).toEqual([
    'actions/dev/starter-files.ts',
    'actions/top/run-top.ts',
    'actions/watch.ts',
    'main.ts',
  ]);
});
