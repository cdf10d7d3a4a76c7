/** Whether a stream or its group has been deleted behind our back. */
export function isNoGroupError(error: unknown): boolean {
  return error instanceof Error && /^(-?NOGROUP|-?UNBLOCKED)|NOGROUP/.test(error.message);
}

/** Whether a key of another type stands where a stream should be. */
export function isWrongTypeError(error: unknown): boolean {
  return error instanceof Error && /(?:^|: -?)WRONGTYPE/.test(error.message);
}

/** Whether a queue lacks a stream or a group, or has a key of another type in its place. */
export function isBrokenQueueError(error: unknown): boolean {
  return isNoGroupError(error) || isWrongTypeError(error);
}
