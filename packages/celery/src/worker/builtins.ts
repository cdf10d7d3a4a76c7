import type { JsonValue, Settlement } from '@lovage/core/driver';
import type { HeldTask } from './held-task.ts';

/** Tasks that every worker of Celery's has. */
const builtins: Readonly<Record<string, (held: HeldTask) => JsonValue>> = {
  'celery.accumulate': ({ task: { args, kwargs } }) =>
    typeof kwargs.index === 'number' ? (args.at(kwargs.index) ?? null) : args,
  'celery.backend_cleanup': () => null, // Redis lets results expire by itself
  'celery.ping': () => 'pong',
};

/** Runs one of Celery's own tasks here; undefined for any other. */
export function runBuiltin(
  held: HeldTask,
  { clock, worker }: { readonly clock: { now(): number }; readonly worker: string },
): Settlement | undefined {
  const { message } = held;
  const run = Object.hasOwn(builtins, message.task) ? builtins[message.task] : undefined;
  if (run === undefined) return undefined;
  const record = { id: message.id, task: message.task, state: 'SUCCESS', value: run(held), attempts: 1 } as const;
  const { replyTo } = message;
  return {
    kind: 'ack',
    outcome: { record: { ...record, at: clock.now(), worker }, ttl: 86_400_000, ...(replyTo ? { replyTo } : {}) },
  };
}
