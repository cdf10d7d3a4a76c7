import { TaskValidationError, type ValidationIssue } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';

/** The message with its keyword arguments at the places that `params` names. Throws {@link TaskValidationError}. */
export function placeKeywords(message: Message, params: readonly string[] | undefined): Message {
  const { kwargs, ...rest } = message;
  if (kwargs === undefined || Object.keys(kwargs).length === 0) return rest;
  const args: JsonValue[] = [...message.args];
  const issues: ValidationIssue[] = [];
  for (const [name, value] of Object.entries(kwargs)) {
    const index = params?.indexOf(name) ?? -1;
    if (index < 0) issues.push({ path: name, message: unknownKeyword(params) });
    else if (index < message.args.length) issues.push({ path: name, message: `given twice: as argument ${index} too` });
    else args[index] = value;
  }
  if (issues.length > 0) throw new TaskValidationError(message.task, 'arguments', issues, message.id);
  return { ...rest, args: withoutHoles(args) };
}

function unknownKeyword(params: readonly string[] | undefined): string {
  if (params === undefined) return 'a keyword argument, and the task has no option params that says where it goes';
  return `no such keyword argument: the option params has ${params.join(', ') || 'none'}`;
}

/** A parameter that was left out before one that was given: undefined takes its default, and JSON has null for it. */
function withoutHoles(args: readonly JsonValue[]): readonly JsonValue[] {
  return Array.from(args, (value) => value ?? null);
}
