import { userFrames } from '@lovage/core/visible';

/** Where an error was thrown in the user's code: `/app/tasks.ts:3:9`. */
export function locationOf(error: unknown): string | undefined {
  const [frame] = userFrames(error instanceof Error ? error.stack : undefined);
  if (!frame?.endsWith(')')) return frame;
  return frame.slice(frame.indexOf('(') + 1, -1) || frame;
}
