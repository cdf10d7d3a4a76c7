import type { KeyFunction, Lovage, TaskContext } from 'lovage';

/** How many attempts of `limited` run at once. */
export const limit = 3;

/** The ordering key of `ordered`, and the tenant of `shared`: what comes behind the call's own name. */
export const groupOf: KeyFunction = ([, group]) => group as string;

/** What an ordered call is to do. */
export interface OrderedWork {
  readonly ms: number;
  /** Its first attempt asks for another. */
  readonly retried: boolean;
}

/** How the tasks note what they do. */
export interface KeyedRuns {
  /** Notes the begin and the end of a run, and does nothing for `ms` in between. Gives the run's name. */
  run(self: TaskContext, key: string, ms: number): Promise<string>;
  /** Notes a run that asks for another attempt, and asks. */
  retry(self: TaskContext, key: string): never;
}

/** Gives the app the tasks of the scenarios of ordering keys, concurrency keys and fair queues. */
export function defineKeyedTasks(app: Lovage, { run, retry }: KeyedRuns): void {
  app.task(
    { name: 'ordered', orderingKey: groupOf, bind: true, maxRetries: 1 },
    async (self: TaskContext, key: string, _group: string, { ms, retried }: OrderedWork) =>
      retried && self.retries === 0 ? retry(self, key) : run(self, key, ms),
  );
  app.task(
    { name: 'limited', concurrency: { limit }, bind: true, maxRetries: 0 },
    (self: TaskContext, key: string, ms: number) => run(self, key, ms),
  );
  app.task(
    { name: 'shared', fairness: { key: groupOf }, bind: true, maxRetries: 0 },
    (self: TaskContext, key: string, _tenant: string, ms: number) => run(self, key, ms),
  );
}
