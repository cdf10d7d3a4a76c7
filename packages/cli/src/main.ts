import yargs, { type Argv } from 'yargs';
import type { Command, CommandFamily, GlobalArguments } from './command.ts';
import { allCommands } from './commands/all-commands.ts';
import { type ExitCode, exitCodeOf, usageError } from './exit-code.ts';
import { globalOptions } from './options/global-options.ts';
import { nameFlags } from './options/setting-flags.ts';
import { switchColorsOff } from './output/paint.ts';
import { printError } from './output/print.ts';
import { explainMember, explainUsage } from './usage-message.ts';
import { readVersion } from './version.ts';

/** Runs one command line; resolves when it is done and `process.exitCode` says how it went. Never rejects. */
export async function main(args: readonly string[]): Promise<void> {
  keepPipesQuiet();
  if (args.includes('--no-color')) switchColorsOff();
  try {
    process.exitCode = await run(args);
  } catch (error) {
    printError(renamed(error), args.includes('--verbose'));
    process.exitCode = exitCodeOf(error);
  }
}

async function run(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const cli = createCli(args, async (command, given) => {
    code = await command.run(given as never); // yargs has read it by the command's own options
  });
  const wrong = await explainMember(args);
  if (wrong !== undefined) throw usageError(wrong);
  let problem: string;
  try {
    await cli.parseAsync();
    return code;
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    problem = error.message;
  }
  if (args.length === 0) process.stderr.write(`${await cli.getHelp()}\n\n`);
  throw usageError(await explainUsage(problem, args));
}

/** What yargs found wrong, in its own words. */
class UsageProblem extends Error {}

function failUsage(message: string | undefined, error: Error | undefined): never {
  if (error !== undefined && error.name !== 'YError') throw error;
  throw new UsageProblem(message ?? error?.message);
}

function createCli(args: readonly string[], start: Start): Argv {
  const cli = yargs([...args])
    .scriptName('lovage')
    .locale('en')
    .usage('$0 [options] <command>')
    .parserConfiguration({
      'boolean-negation': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .options(globalOptions)
    .middleware(keepLastGiven, true)
    .demandCommand(1)
    .strict()
    .exitProcess(false)
    .fail(failUsage)
    .help()
    .alias('help', 'h')
    .version(readVersion())
    .completion('completion', 'Print a completion script for bash or zsh')
    .epilogue('Exit codes: 0 done, 1 it failed, 2 wrong usage, 69 no broker, 70 no app, 124 timeout.');
  cli.wrap(Math.min(110, cli.terminalWidth()));
  for (const command of allCommands) addCommand(cli, command, start);
  return cli;
}

type Start = (command: Command, given: GlobalArguments) => Promise<void>;

function addCommand(cli: Argv, command: Command | CommandFamily, start: Start): void {
  if (!('commands' in command)) {
    addSingle(cli, command, start);
    return;
  }
  if (command.alone) {
    addSingle(cli, command.alone, start, command.commands);
    return;
  }
  cli.command(command.usage, command.describe, (y) => {
    for (const member of command.commands) addCommand(y, member, start);
    return y.demandCommand(1);
  });
}

function addSingle(cli: Argv, command: Command, start: Start, members: readonly Command[] = []): void {
  cli.command(
    command.usage,
    command.describe,
    (y) => {
      for (const member of members) addCommand(y, member, start);
      for (const [name, positional] of Object.entries(command.positionals ?? {})) y.positional(name, positional);
      return y.options(command.options ?? {}).example(command.examples.map(([line, text]) => [line, text]));
    },
    (given) => start(command, given as GlobalArguments),
  );
}

/** Options and arguments that may be given several times, all of which are meant. */
const many: ReadonlySet<string> = new Set([
  '_',
  '--',
  'args',
  'names',
  'ids',
  'queues',
  'Q',
  'destination',
  'd',
  'type',
]);

/** `--timeout 1s --timeout 2s` means the last; the queues of several `-Q` are all meant. */
function keepLastGiven(given: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(given)) {
    if (Array.isArray(value) && !many.has(name)) given[name] = value.at(-1);
  }
}

/** Core names a flag by the setting that it sets. */
function renamed(error: unknown): unknown {
  if (error instanceof Error) error.message = nameFlags(error.message);
  return error;
}

let pipesAreQuiet = false;

/** `lovage queues | head -1` ends in silence. */
function keepPipesQuiet(): void {
  if (pipesAreQuiet) return;
  pipesAreQuiet = true;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (stream === process.stdout) process.exit();
    });
  }
}
