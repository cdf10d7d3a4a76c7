import type { Lovage } from '../app/app.ts';
import { type AppRuntime, runtimeOf } from '../app/app-runtime.ts';

/** A task whose queue a worker does not consume. */
export interface UnconsumedTask {
  readonly task: string;
  readonly queue: string;
}

/**
 * The queues that a worker of this app consumes: those that were asked for (`queues`, `-Q`, the app's settings), else the default queue
 * and every queue that the app's tasks and static routes name, as Celery's worker does with `task_queues`. A route that is a
 * function names none: what it returns depends on the call.
 */
export function consumedQueues(app: Lovage): readonly string[] {
  const { provenance, settings } = runtimeOf(app);
  if (provenance.get('worker.queues')?.source !== 'default') return settings.worker.queues;
  return [...new Set([settings.taskDefaultQueue, ...taskQueues(app).values()])];
}

/** The tasks that this app can run and a worker of these queues does not receive, by name. */
export function unconsumedTasks(app: Lovage, queues: readonly string[]): readonly UnconsumedTask[] {
  const consumed = new Set(queues);
  const found = [...taskQueues(app)].map(([task, queue]) => ({ task, queue }));
  return found.filter(({ queue }) => !consumed.has(queue));
}

/** The queue of each task that this app can run, as far as it is known before a call. */
function taskQueues(app: Lovage): ReadonlyMap<string, string> {
  const runtime = runtimeOf(app);
  const { registry } = runtime;
  const runnable = registry.names().filter((name) => registry.get(name)?.handler);
  const isStatic = typeof app.conf.taskRoutes !== 'function';
  return new Map(runnable.map((name) => [name, queueOf(runtime, name, isStatic)]));
}

function queueOf({ registry, producer, settings }: AppRuntime, name: string, isStatic: boolean): string {
  const definition = registry.get(name);
  if (definition && isStatic) return producer.queueOf(definition);
  return definition?.options.queue ?? settings.taskDefaultQueue;
}
