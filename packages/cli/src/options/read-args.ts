import { usageError } from '../exit-code.ts';
import { parseJsonArguments } from './parse-arguments.ts';

/** `--args '[1,"a"]'`: all arguments as one JSON list. Throws a usage error for anything else. */
export function readArgs(given: string | readonly string[] | undefined): readonly unknown[] | undefined {
  const text = [given].flat().at(-1);
  if (text === undefined) return undefined;
  const [args] = parseJsonArguments([text]);
  if (Array.isArray(args)) return args;
  throw usageError(`--args: expected a JSON list of all arguments, such as '[1,"a"]', received ${text}`);
}
