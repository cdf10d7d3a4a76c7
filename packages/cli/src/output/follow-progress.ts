import type { AsyncResult } from '@lovage/core';
import { createProgressLine } from './progress-bar.ts';

/** Shows the progress of a task on stderr until it ends, or until it is stopped. */
export function followProgress(result: AsyncResult): { readonly shown: Promise<void>; stop(): void } {
  const stop = new AbortController();
  const line = createProgressLine();
  const show = async (): Promise<void> => {
    for await (const progress of result.progress({ signal: stop.signal })) line.show(progress);
  };
  const shown = show()
    .catch(() => {}) // a remark that cannot be made; the wait itself reports what is wrong
    .finally(() => line.end());
  return { shown, stop: () => stop.abort() };
}
