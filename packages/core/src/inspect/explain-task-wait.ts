import type { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import { explainWait } from '../app/explain-wait.ts';

/**
 * Why a task has not ended, in one clause ("queue \"math\" is paused: …"): what `call` says when its time is over. undefined where
 * that cannot be told within 1.5 s. Never rejects.
 */
export function explainTaskWait(app: Lovage, id: string): Promise<string | undefined> {
  return explainWait(runtimeOf(app), id);
}
