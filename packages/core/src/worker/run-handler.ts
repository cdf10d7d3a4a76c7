import { decodeArgs, encodeResult, type SizeLimit } from '../task/payload-codec.ts';
import type { Handler } from '../task/task.ts';
import { runAsTask } from '../task/task-context.ts';
import type { Attempt } from './attempt.ts';
import type { AttemptResult } from './attempt-result.ts';

/** The innermost step: arguments decoded, handler run within its context, return value encoded. Throws what it throws. */
export async function runHandler(
  { definition, message, context }: Attempt,
  maxResult: SizeLimit,
): Promise<AttemptResult> {
  const { payload, options } = definition;
  const handler = definition.handler as Handler; // the executor releases tasks without one
  const decoded = decodeArgs(payload, message.args, message.id);
  const args = decoded instanceof Promise ? await decoded : decoded;
  const value = await runAsTask(context, () => (options.bind ? handler(context, ...args) : handler(...args)));
  const encoded = encodeResult(payload, value, maxResult);
  const result = encoded instanceof Promise ? await encoded : encoded;
  return result === undefined ? { state: 'SUCCESS' } : { state: 'SUCCESS', value: result };
}
