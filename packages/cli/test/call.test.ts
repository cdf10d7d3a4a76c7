import { describe, expect, it } from 'vitest';
import { lovage } from './run-cli.ts';

const shop = ['-A', './shop.js'];

describe('call on memory://', () => {
  const call = (...args: string[]) => lovage([...shop, 'call', ...args]);

  it('runs the task in this process, and says so', async () => {
    expect(await call('add', '2', '3')).toEqual({
      code: 0,
      stdout: '5\n',
      stderr: 'memory://: the task runs in this process\n',
    });
  });

  it.each([
    [['text', 'hello'], '<hello>\n'],
    [['nothing'], ''],
    [['echo', '1', 'true', 'null', '{"a":[1]}', 'x', '007', '', '-3'], '[1,true,null,{"a":[1]},"x","007","",-3]\n'],
    [['echo', '--', '--dashed', '-d'], '["--dashed","-d"]\n'],
    [['echo', '--json-args', '"2"', '[3]'], '["2",[3]]\n'],
    [['kept'], 'kept\n'],
    [['charge', '{"amount":3}', '--queue', 'other'], 'charged 3\n'],
  ])('%j', async (args, stdout) => {
    expect(await call(...args)).toMatchObject({ code: 0, stdout });
  });

  it('--json', async () => {
    const { code, stdout } = await call('add', '2', '3', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ id: expect.any(String), state: 'SUCCESS', value: 5 });
  });

  it('shows why a task failed, and where, with exit 1', async () => {
    const { code, stdout, stderr } = await call('fail', 'no such order');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const [, error, frame, ...rest] = stderr.trimEnd().split('\n');
    expect(error).toBe('error: RangeError: no such order: caused by Error: the deeper reason');
    expect(frame).toMatch(/^ {4}at .*shop\.js:\d+:\d+/);
    expect(rest).toEqual([]);
  });

  it('shows the whole stack with --verbose, and a failure as JSON', async () => {
    const [verbose, json, text] = await Promise.all([
      call('fail', 'x', '--verbose'),
      call('fail', 'x', '--json'),
      call('throw-text'),
    ]);
    expect(verbose.stderr).toMatch(/RangeError: x\n {4}at [\s\S]*caused by Error: the deeper reason\n {4}at /);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ state: 'FAILURE', error: { name: 'RangeError', message: 'x' } });
    expect(text.stderr).toContain('error: just a text');
  });

  it.each([
    [['ad', '2'], /^error: unknown task "ad": did you mean "add"\?\n$/],
    [['zzzzzzzz'], /^error: unknown task "zzzzzzzz": the app has add, charge, /],
    [['charge', '{"amount":-1}'], /arguments of task "charge" do not fit its schema: \[0\]\.amount: /],
    [['charge'], /arguments of task "charge" do not fit its schema/],
    [['add', '--json-args', '2', 'three'], /^error: argument 2 is not JSON: three \(text is written '"three"'\)/],
    [['text', 'x'.repeat(100_000)], /arguments of task "text" take 100004 bytes as JSON, over the limit of 1000/],
    [['add', '1', '2', '--no-wait'], /--no-wait on memory:\/\/ would lose the task/],
    [['add', '--priority', 'high'], /--priority: expected a whole number, received "high"/],
    [['add', '--priority', '11'], /option priority: expected a whole number from 0 to 9, received 11/],
    [['add', '--eta', 'tomorrow'], /option eta: 'tomorrow' is not a time/],
    [['add', '--task-id', 'a b'], /"a b" cannot be a task id/],
    [['add', '--backend', 'none'], /the app keeps no results \(backend 'none'\): call with --no-wait/],
  ])('refuses %j with 2, unsent', async (args, message) => {
    const { code, stdout, stderr } = await lovage([...shop, 'call', ...args], { env: { LOVAGE_MAX_PAYLOAD: '1000' } });
    expect(stderr.replace(/^memory:.*\n/, '')).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('ends with 124 when the time is over', async () => {
    const { code, stderr } = await call('nap', '60000', '--timeout', '200ms');
    expect(stderr).toMatch(/error: task \S+ did not end within 200 ms/);
    expect(code).toBe(124);
  });
});

describe('looking at memory://', () => {
  it.each([
    [['queues', '--json'], '[]\n'],
    [['status', '--json'], '{"workers":[],"queues":[]}\n'],
    [['purge', 'x', '--force'], 'deleted 0 tasks from queue x\n'],
    [['queues', 'adopt', 'x'], "queue x is Lovage's already\n"],
    [['result', 'nobody-knows-it'], 'PENDING\n'],
    [['result', 'nobody-knows-it', '--json'], '{"id":"nobody-knows-it","state":"PENDING"}\n'],
  ])('%j', async (args, stdout) => {
    const { code, stdout: found, stderr } = await lovage(args);
    expect({ code, found }).toEqual({ code: 0, found: stdout });
    expect(stderr).toContain('memory:// holds the tasks of this process only');
  });
});
