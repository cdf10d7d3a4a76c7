/** Whether a stream or its group has been deleted behind our back. */
export function isNoGroupError(error: unknown): boolean {
  return error instanceof Error && /^(-?NOGROUP|-?UNBLOCKED)|NOGROUP/.test(error.message);
}
