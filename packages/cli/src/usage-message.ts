import type { Options } from 'yargs';
import { type Command, type CommandFamily, nameOf } from './command.ts';
import { allCommands } from './commands/all-commands.ts';
import { globalOptions } from './options/global-options.ts';
import { oneLine } from './output/print.ts';

/** The command that a line means, as far as it says. */
interface Meant {
  readonly family?: CommandFamily;
  readonly command?: Command;
}

/** What yargs found wrong with a command line, in one sentence of ours with a hint where to look. */
export async function explainUsage(problem: string, args: readonly string[]): Promise<string> {
  const meant = findMeant(args);
  return `${await reword(problem, meant, args)}; see lovage ${[...pathOf(meant), '--help'].join(' ')}`;
}

function findMeant(args: readonly string[]): Meant {
  const first = commandWord(args);
  const at = first === undefined ? args.findIndex((arg) => named(allCommands, arg) !== undefined) : args.indexOf(first);
  const found = named(allCommands, args[at]);
  if (found === undefined) return {};
  if (!('commands' in found)) return { command: found };
  const command = named(
    found.commands,
    args.slice(at + 1).find((arg) => named(found.commands, arg) !== undefined),
  );
  if (command) return { family: found, command };
  return found.alone ? { command: found.alone } : { family: found };
}

/** What is wrong with the word behind a family of commands (`lovage control nosuch revoke`), which yargs passes over in silence. */
export async function explainMember(args: readonly string[]): Promise<string | undefined> {
  const word = commandWord(args);
  const found = named(allCommands, word);
  if (word === undefined || found === undefined || !('commands' in found) || found.alone) return undefined;
  const rest = args.slice(args.indexOf(word) + 1);
  const next = commandWord(rest);
  if (next === undefined || named(found.commands, next) !== undefined || /^(-h|--help)$/m.test(args.join('\n')))
    return undefined;
  return `${await explainUnknown(next, { family: found }, rest)}; see lovage ${word} --help`;
}

/** The word that must be a command; undefined where an option stands before it that only some command knows. */
function commandWord(args: readonly string[]): string | undefined {
  const word = firstWord(args);
  if (word === undefined) return undefined;
  const known = optionNames(undefined).flatMap((name) => [
    name,
    ...[globalOptions[name as keyof typeof globalOptions]?.alias ?? []].flat(),
  ]);
  const before = args.slice(0, args.indexOf(word)).filter((arg) => arg.startsWith('-'));
  return before.every((arg) => known.includes(optionName(arg) ?? '')) ? word : undefined;
}

function named<C extends Command | CommandFamily>(commands: readonly C[], name: string | undefined): C | undefined {
  return commands.find((command) => nameOf(command) === name);
}

/** `['control', 'rate-limit']` */
function pathOf({ family, command }: Meant): readonly string[] {
  return [family, command].flatMap((part) => (part ? nameOf(part) : []));
}

async function reword(problem: string, meant: Meant, args: readonly string[]): Promise<string> {
  const word = commandWord(args);
  if (word !== undefined && word !== 'completion' && named(allCommands, word) === undefined)
    return explainUnknown(word, {}, args);
  const unknown = /^Unknown (?:command|argument)s?: ([^,]+)/.exec(problem)?.[1];
  if (unknown !== undefined) return explainUnknown(unknown, meant, args);
  if (/^Not enough non-option arguments/.test(problem)) return explainMissing(meant, args);
  const bare = /^Not enough arguments following: (.+)$/.exec(problem)?.[1];
  if (bare !== undefined) return `option ${dashed(bare)} needs a value`;
  const choice = /Argument: ([^,]+), Given: "([^"]*)", Choices: (.+)/.exec(problem);
  if (choice !== null)
    return explainChoice(choice[1] ?? '', choice[2] ?? '', (choice[3] ?? '').match(/[^", ]+/g) ?? []);
  return oneLine(problem);
}

async function explainChoice(name: string, given: string, choices: readonly string[]): Promise<string> {
  const { closestName } = await import('@lovage/core/driver');
  const closest = closestName(given, choices);
  const hint = closest === undefined ? `expected ${choices.join(', ')}` : `did you mean "${closest}"?`;
  return `unknown ${name} "${given}": ${hint}`;
}

/** Without a command yargs does not look at the options. */
async function explainMissing(meant: Meant, args: readonly string[]): Promise<string> {
  const { family, command } = meant;
  const known = optionNames(command);
  const unexpected = args
    .map(optionName)
    .find((name) => name !== undefined && name.length > 1 && !known.includes(name));
  if (unexpected !== undefined) return explainUnknown(unexpected, meant, args);
  if (command !== undefined)
    return `missing argument: lovage ${[...(family ? [nameOf(family)] : []), command.usage].join(' ')}`;
  const next = family && firstWord(args.slice(args.indexOf(nameOf(family)) + 1));
  if (next !== undefined) return explainUnknown(next, meant, args);
  return family ? `missing command: ${family.commands.map(nameOf).join(', ')}` : 'no command given';
}

/** The first argument that is neither an option nor the value of one. */
function firstWord(args: readonly string[]): string | undefined {
  const takesValue = (arg: string): boolean => {
    const name = optionName(arg) ?? '';
    const option = Object.entries(globalOptions).find(
      ([key, { alias }]) => key === name || [alias].flat().includes(name),
    );
    return option !== undefined && option[1].type !== 'boolean' && !arg.includes('=');
  };
  return args.find((arg, at) => !arg.startsWith('-') && (at === 0 || !takesValue(args[at - 1] as string)));
}

/** `broker` of `--broker=x`; undefined for an argument that is no option. */
function optionName(arg: string): string | undefined {
  return /^--?([^=]+)/.exec(arg)?.[1];
}

async function explainUnknown(name: string, meant: Meant, args: readonly string[]): Promise<string> {
  const { closestName } = await import('@lovage/core/driver'); // only now: --help is to be quick
  const { family, command } = meant;
  const isFlag = args.some((arg) => optionName(arg) === name);
  if (!isFlag && command !== undefined) return `${pathOf(meant).join(' ')} takes no argument "${name}"`;
  const known = isFlag ? optionNames(command) : commandNames(family);
  const closest = closestName(name, known);
  const suggestion = closest === undefined ? '' : `: did you mean "${isFlag ? dashed(closest) : closest}"?`;
  return isFlag ? `unknown option ${dashed(name)}${suggestion}` : `unknown command "${name}"${suggestion}`;
}

function commandNames(family: CommandFamily | undefined): readonly string[] {
  return family ? family.commands.map(nameOf) : allCommands.map(nameOf).concat('completion');
}

function optionNames(command: Command | undefined): readonly string[] {
  const tables: Readonly<Record<string, Options>>[] = [globalOptions, command?.options ?? {}];
  return [...tables.flatMap((table) => Object.keys(table)), 'help', 'version'];
}

const dashed = (name: string): string => `${name.length === 1 ? '-' : '--'}${name}`;
