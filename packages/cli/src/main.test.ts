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
  [['nosuch', 'worker', '--queues', 'x'], /^error: unknown command "nosuch"; see lovage --help\n$/],
  [['control', 'nosuch', 'revoke'], /^error: unknown command "nosuch"; see lovage control --help\n$/],
  [['--nosuch', 'worker'], /^error: unknown option --nosuch; see lovage worker --help\n$/],
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
    /^error: purge deletes every waiting task of queue "default": pass --force without a terminal\n$/,
  ],
  [['result', 'x', '--timeout', '3'], /^error: --timeout: "3" has no unit: write 3s or 3ms\n$/],
  [['result', 'x', '--timeout', 'soon'], /^error: --timeout: 'soon' is not a duration/],
  [
    ['queues', '--broker', 'amqp://me:pw@localhost'],
    /^error: no driver for "amqp:\/\/": known schemes are memory:\/\/, redis:\/\//,
  ],
  [['queues', '--broker', 'localhost:6379'], /^error: "localhost:6379" is not a broker URL/],
  [['call', 'add', '--json-args', '{'], /^error: argument 1 is not JSON: \{: /],
  [['inspect'], /^error: missing command: ping, active, .*; see lovage inspect --help\n$/],
  [['inspect', 'pign'], /^error: unknown command "pign": did you mean "ping"\?; see lovage inspect --help\n$/],
  [
    ['inspect', '-A', './tasks.ts', 'pign'],
    /^error: unknown command "pign": did you mean "ping"\?; see lovage inspect/,
  ],
  [['inspect', '-A', './tasks.ts'], /^error: missing command: ping, active, /],
  [['inspect', 'ping', 'w1'], /^error: inspect ping takes no argument "w1"; see lovage inspect ping --help\n$/],
  [
    ['inspect', 'query'],
    /^error: missing argument: lovage inspect query <ids\.\.>; see lovage inspect query --help\n$/,
  ],
  [
    ['control', 'revoke', 'x', '--terminat'],
    /^error: unknown option --terminat: did you mean "--terminate"\?; see lovage control revoke --help\n$/,
  ],
  [['control', 'revoke', 'x', '-t', '1'], /^error: --timeout: "1" has no unit/],
  [['control', 'rate-limit', 'add', 'fast'], /^error: rate: "fast" is not a rate: write 10\/s/],
  [['control', 'time-limit', 'add', '--soft', '10'], /^error: --soft: "10" has no unit/],
  [['control', 'autoscale', '2', '3'], /^error: autoscale: min 3 is above max 2\n$/],
  [['control', 'pool-grow', '0'], /^error: n: expected a whole number from 1, received "0"\n$/],
  [['events', '--type', 'task.faild'], /error: events\.on: unknown event "task\.faild".*did you mean "task\.failed"\?/],
  [['events', '--count', 'x'], /^error: --count: expected a whole number from 1, received "x"\n$/],
  [['dlq', 'replay'], /^error: replay sends every matching dead letter: pass --force without a terminal\n$/],
  [['dlq', 'purge', '--task', 'x'], /^error: dlq purge deletes every matching dead letter: pass --force/],
  [['dlq', 'replay', 'x', '--args', '{}'], /^error: --args: expected a JSON list of all arguments/],
  [['dlq', 'replay', 'x', '--args', '['], /^error: argument 1 is not JSON/],
  [['dlq', 'replay', 'x', '--rate', '0/s'], /^error: --rate: "0\/s" is not a rate/],
  [['dlq', 'replay', 'x', '--to', 'a:b'], /error: replay: queue: expected a queue name/],
  [['dlq', 'list', '--older-than', '7'], /^error: --older-than: "7" has no unit/],
  [['dlq', 'list', '--limit', '0'], /^error: --limit: expected a whole number from 1/],
  [['health'], /^error: Missing required argument: port; see lovage health --help\n$/],
  [['health', '--port', 'x'], /^error: --port: expected a port, 0 to 65535, received "x"\n$/],
  [['health', '--port', '1', '--probe', 'x'], /^error: --probe: expected ready, live or startup, received "x"\n$/],
  [['worker', '--health-port', '70000'], /^error: --health-port: expected a port/],
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
