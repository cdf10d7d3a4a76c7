import { fileURLToPath } from 'node:url';

/** Code that is not the user's: Node's own, dependencies, and ours when it is not in node_modules (a checkout). */
const foreign: readonly RegExp[] = [
  /node:/,
  /[\\/]node_modules[\\/]/,
  /[\\/]packages[\\/](?:core|cli|redis|lovage)[\\/](?:src|dist)[\\/]/,
];

/** The URL of a frame, from a place that is given: searched for at each place it would take quadratic time. */
const fileUrl = /file:\/\/[^\s)]+?(?=:\d+:\d+)/y;

/** The frames of a stack that lie in the user's own code, nearest first, without the leading "at". */
export function userFrames(stack: string | undefined): readonly string[] {
  const frames = (stack ?? '').split('\n').flatMap((line) => /^\s+at (.+)$/.exec(line)?.[1] ?? []);
  return frames.filter((frame) => /[\\/]/.test(frame) && !foreign.some((pattern) => pattern.test(frame))).map(shorten);
}

/** Where an error was thrown in the user's code: `/app/tasks.ts:3:9`. */
export function locationOf(error: unknown): string | undefined {
  const [frame] = userFrames(error instanceof Error ? error.stack : undefined);
  if (!frame?.endsWith(')')) return frame;
  return frame.slice(frame.indexOf('(') + 1, -1) || frame;
}

function shorten(whole: string): string {
  const frame = whole.replace(/^async /, '');
  fileUrl.lastIndex = Math.max(0, frame.indexOf('file://'));
  return frame.replace(fileUrl, (url) => {
    try {
      return fileURLToPath(url.replace(/\?.*$/, ''));
    } catch {
      return url;
    }
  });
}
