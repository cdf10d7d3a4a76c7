import { type Command, textOption } from '../../command.ts';

const fleet = {
  destination: textOption('Only these workers: names or globs such as mail-*; may be given several times', {
    alias: 'd',
  }),
  timeout: textOption('How long answers are collected (default: 1s)', { alias: 't' }),
};

/** A command to workers: with `-d` and `-t`. */
export function fleetCommand(command: Command): Command {
  return { ...command, options: { ...command.options, ...fleet } };
}
