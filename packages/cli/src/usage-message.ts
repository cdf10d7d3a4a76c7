import type { Options } from 'yargs';
import type { Command } from './command.ts';
import { allCommands } from './commands/all-commands.ts';
import { globalOptions } from './global-options.ts';
import { oneLine } from './print.ts';

/** What yargs found wrong with a command line, in one sentence of ours with a hint where to look. */
export async function explainUsage(problem: string, args: readonly string[]): Promise<string> {
  const command = allCommands.find((candidate) => args.includes(nameOf(candidate)));
  const hint = `see lovage ${command ? `${nameOf(command)} ` : ''}--help`;
  return `${await reword(problem, command, args)}; ${hint}`;
}

/** `call` of `call <task> [args..]`. */
export function nameOf({ usage }: Command): string {
  return usage.split(' ')[0] as string;
}

async function reword(problem: string, command: Command | undefined, args: readonly string[]): Promise<string> {
  const unknown = /^Unknown (?:command|argument)s?: ([^,]+)/.exec(problem)?.[1];
  if (unknown !== undefined) return explainUnknown(unknown, command, args);
  if (/^Not enough non-option arguments/.test(problem))
    return command ? `missing argument: lovage ${command.usage}` : 'no command given';
  const bare = /^Not enough arguments following: (.+)$/.exec(problem)?.[1];
  if (bare !== undefined) return `option ${dashed(bare)} needs a value`;
  return oneLine(problem);
}

async function explainUnknown(name: string, command: Command | undefined, args: readonly string[]): Promise<string> {
  const { closestName } = await import('@lovage/core/driver'); // only now: --help is to be quick
  const flag = args.find((arg) => arg.startsWith('-') && arg.replace(/^-+/, '').split('=')[0] === name);
  if (flag === undefined && command !== undefined) return `${nameOf(command)} takes no argument "${name}"`;
  const known = flag === undefined ? allCommands.map(nameOf).concat('completion') : optionNames(command);
  const closest = closestName(name, known);
  const suggestion = closest === undefined ? '' : `: did you mean "${flag === undefined ? closest : dashed(closest)}"?`;
  return flag === undefined ? `unknown command "${name}"${suggestion}` : `unknown option ${dashed(name)}${suggestion}`;
}

function optionNames(command: Command | undefined): readonly string[] {
  const tables: Readonly<Record<string, Options>>[] = [globalOptions, command?.options ?? {}];
  return [...tables.flatMap((table) => Object.keys(table)), 'help', 'version'];
}

const dashed = (name: string): string => `${name.length === 1 ? '-' : '--'}${name}`;
