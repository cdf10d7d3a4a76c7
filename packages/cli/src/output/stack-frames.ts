import { fileURLToPath } from 'node:url';

/** Code that is not the user's: Node's own, dependencies, and ours when it is not in node_modules (a checkout). */
const foreign: readonly RegExp[] = [
  /node:/,
  /[\\/]node_modules[\\/]/,
  /[\\/]packages[\\/](?:core|cli|redis|lovage)[\\/](?:src|dist)[\\/]/,
];

/** The frames of a stack that lie in the user's own code, nearest first, without the leading "at". */
export function userFrames(stack: string | undefined): readonly string[] {
  const frames = (stack ?? '').split('\n').flatMap((line) => /^\s+at (.+)$/.exec(line)?.[1] ?? []);
  return frames.filter((frame) => /[\\/]/.test(frame) && !foreign.some((pattern) => pattern.test(frame))).map(shorten);
}

/** Where an error was thrown in the user's code: `/app/tasks.ts:3:9`. */
export function locationOf(error: unknown): string | undefined {
  const [frame] = userFrames(error instanceof Error ? error.stack : undefined);
  return frame === undefined ? undefined : (/\((.+)\)$/.exec(frame)?.[1] ?? frame);
}

function shorten(frame: string): string {
  return frame.replace(/^async /, '').replace(/file:\/\/[^\s)]+?(?=:\d+:\d+)/, (url) => {
    try {
      return fileURLToPath(url.replace(/\?.*$/, ''));
    } catch {
      return url;
    }
  });
}
