import type { Options } from 'yargs';
import { switchOption, textOption } from '../command.ts';

const group = 'Options of every command:';

/** The options that every command takes. */
export const globalOptions: Readonly<Record<string, Options>> = {
  app: textOption('The module that makes the app, as in ./tasks.ts or ./tasks.ts:app', { alias: 'A', group }),
  broker: textOption('URL of the broker: redis://…, memory://', { group }),
  backend: textOption("URL of the result backend, or 'none' (default: the broker)", { group }),
  prefix: textOption('Namespace of every key and queue', { group }),
  json: switchOption('Data as JSON', { group }),
  verbose: switchOption('Errors with their stacks', { group }),
  'no-color': switchOption('No colours', { group }),
};
