import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { main } from './main.ts';

let written = '';
let exitCodeBefore: typeof process.exitCode;

beforeEach(() => {
  written = '';
  exitCodeBefore = process.exitCode;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(() => {
  process.exitCode = exitCodeBefore;
});

it.each([
  [['dance'], /^error: unknown command "dance"; see lovage --help\n$/],
  [['queus', '--json'], /^error: unknown command "queus": did you mean "queues"\?; see lovage --help\n$/],
  [['--verson'], /^error: unknown option --verson: did you mean "--version"\?; see lovage --help\n$/],
  [
    ['queues', '--brokr', 'x'],
    /^error: unknown option --brokr: did you mean "--broker"\?; see lovage queues --help\n$/,
  ],
  [
    ['worker', '--concurency=3'],
    /^error: unknown option --concurency: did you mean "--concurrency"\?; see lovage worker --help\n$/,
  ],
  [['worker', '-x'], /^error: unknown option -x(?:: did you mean "-\w")?; see lovage worker --help\n$/],
  [['call'], /^error: missing argument: lovage call <task> \[args\.\.\]; see lovage call --help\n$/],
  [['call', 'add', '--timeout'], /^error: option --timeout needs a value; see lovage call --help\n$/],
  [['purge', 'one', 'two'], /^error: purge takes no argument "two"; see lovage purge --help\n$/],
  [
    ['purge', 'default'],
    /^error: purge deletes every waiting task of queue "default": say --force where nobody can be asked\n$/,
  ],
  [['result', 'x', '--timeout', '3'], /^error: --timeout: "3" has no unit: write 3s or 3ms\n$/],
  [['result', 'x', '--timeout', 'soon'], /^error: --timeout: 'soon' is not a duration/],
  [
    ['queues', '--broker', 'amqp://me:pw@localhost'],
    /^error: no driver for "amqp:\/\/": known schemes are memory:\/\/, redis:\/\//,
  ],
  [['queues', '--broker', 'localhost:6379'], /^error: "localhost:6379" is not a broker URL/],
  [['call', 'add', '--json-args', '{'], /^error: argument 1 is not JSON: \{: /],
])('refuses %j with one line and 2', async (args, message) => {
  await main(args);
  expect(written).toMatch(message);
  expect(process.exitCode).toBe(2);
});

it('shows its help on stderr when it is asked for nothing', async () => {
  await main([]);
  expect(written).toContain('Commands:');
  expect(written).toMatch(/\nerror: no command given; see lovage --help\n$/);
  expect(process.exitCode).toBe(2);
});
