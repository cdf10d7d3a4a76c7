import { childId } from '../../message/child-id.ts';
import { digest } from '../../unique/idempotency.ts';

/** The id of what a step of a run sends: of the run and the step's key, so that sending it again is harmless. */
export function childRunId(runId: string, key: string): string {
  const plain = key.replace('#', '~');
  return childId(runId, `~.${/^[\w.~-]+$/.test(plain) ? plain : digest([key])}`);
}
