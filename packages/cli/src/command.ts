import type { Options, PositionalOptions } from 'yargs';
import type { ExitCode } from './exit-code.ts';

/** The options that every command takes. */
export interface GlobalArguments {
  readonly app?: string;
  readonly broker?: string;
  readonly backend?: string;
  readonly prefix?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly noColor?: boolean;
}

/** One command: how it is spelled, and what it does. What it does is loaded when it is asked for, so that --help is quick. */
export interface Command {
  /** As in `call <task> [args..]`. */
  readonly usage: string;
  readonly describe: string;
  readonly positionals?: Readonly<Record<string, PositionalOptions>>;
  readonly options?: Readonly<Record<string, Options>>;
  /** A command line, and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** `given` has the shape that the options and positionals above describe. */
  run(given: never): Promise<ExitCode>;
}

/** Commands that belong together: `lovage control rate-limit`, `lovage control shutdown`. */
export interface CommandFamily {
  /** As in `control <command>`. */
  readonly usage: string;
  readonly describe: string;
  readonly commands: readonly Command[];
  /** What the family's name does alone, as `lovage queues` beside `lovage queues pause`. @default it asks for a member */
  readonly alone?: Command;
}

/** `call` of `call <task> [args..]`. */
export function nameOf({ usage }: Pick<Command, 'usage'>): string {
  return usage.split(' ')[0] as string;
}

/** An option with a value that is text until core reads it. */
export function textOption(describe: string, extra: Options = {}): Options {
  return { type: 'string', requiresArg: true, describe, ...extra };
}

/** An option without a value. */
export function switchOption(describe: string, extra: Options = {}): Options {
  return { type: 'boolean', describe, ...extra };
}
