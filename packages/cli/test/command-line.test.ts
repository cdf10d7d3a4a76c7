import { describe, expect, it } from 'vitest';
import { lovage, refuses, start } from './run-cli.ts';

const shop = ['-A', './shop.js'];

describe('the command line', () => {
  it('says what it can do, on stdout', async () => {
    const { code, stdout, stderr } = await lovage(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const word of [
      'worker',
      'call <task>',
      'result <id>',
      'queues',
      'purge',
      'status',
      'inspect <question>',
      'control <command>',
      'events',
      'dlq <command>',
      'health',
      'config',
      'completion',
      '--app',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it('gives examples for each command', async () => {
    const names = ['worker', 'call', 'result', 'queues', 'purge', 'status', 'config', 'control revoke', 'dlq replay'];
    const helps = names.map((name) => lovage([...name.split(' '), '--help']));
    for (const { code, stdout } of await Promise.all(helps)) {
      expect(code).toBe(0);
      expect(stdout).toContain('Examples:');
    }
  });

  it('knows its version and completes itself', async () => {
    const [version, completion] = await Promise.all([lovage(['--version']), lovage(['completion'])]);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    expect(completion).toMatchObject({ code: 0, stdout: expect.stringContaining('lovage') });
  });

  it.each([
    [['wrker'], /^error: unknown command "wrker": did you mean "worker"\?; see lovage --help\n$/],
    [
      ['worker', ...shop, '-c', 'zero'],
      /^error: --concurrency: expected a whole number from 1 to 10000, received "zero"\n$/,
    ],
    [['worker', ...shop, '-l', 'loud'], /^error: --loglevel: expected "debug" or /],
    [['worker', ...shop, '-Q', 'a:b'], /^error: --queues: expected a queue name without colons/],
    [['worker', ...shop, '--log-format', 'xml'], /--log-format: expected "pretty" or "json", received "xml"/],
    [['queues', '--broker', 'redis://localhost:99999'], /99999/],
  ])('refuses %j with 2', (args, message) => refuses(args, 2, message));

  it('heeds NO_COLOR, --no-color and pipes', async () => {
    const escapeCode = '\u001b[';
    const env = { FORCE_COLOR: '1' };
    const [forced, piped, off] = await Promise.all([
      lovage(['config', 'x'], { env }),
      lovage(['config', 'x']),
      lovage(['config', 'x', '--no-color'], { env }),
    ]);
    expect(forced.stderr).toContain(escapeCode);
    expect(piped.stderr + off.stderr).not.toContain(escapeCode);
  });

  it('ends in silence when nobody reads on', async () => {
    const command = start(['config', '--explain']);
    command.child.stdout?.destroy();
    expect(await command.ended).toMatchObject({ stderr: '' });
  });
});
