import { fileURLToPath } from 'node:url';

/** Code that is not the user's: Node's own, dependencies, and ours when it is not in node_modules (a checkout). */
const foreign: readonly RegExp[] = [
  /node:/,
  /[\\/]node_modules[\\/]/,
  /[\\/]packages[\\/](?:core|cli|redis|celery|lovage|dashboard)[\\/](?:src|dist)[\\/]/,
];

/** The URL of a frame, from a place that is given: searched for at each place it would take quadratic time. */
const fileUrl = /file:\/\/[^\s)]+?(?=:\d+:\d+)/y;

/** The frames of a stack that lie in the user's own code, nearest first, without the leading "at". */
export function userFrames(stack: string | undefined): readonly string[] {
  const frames = (stack ?? '').split('\n').flatMap((line) => /^\s+at (?:async )?(.+)$/.exec(line)?.[1] ?? []);
  return frames.filter((frame) => /[\\/]/.test(frame) && !foreign.some((one) => one.test(frame))).map(readable);
}

function readable(frame: string): string {
  fileUrl.lastIndex = Math.max(0, frame.indexOf('file://'));
  return frame.replace(fileUrl, (url) => {
    try {
      return fileURLToPath(url.replace(/\?.*$/, ''));
    } catch {
      return url;
    }
  });
}
