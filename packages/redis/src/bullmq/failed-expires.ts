/** How long failed jobs stay in BullMQ's `failed` set, in milliseconds: as long as outcomes that failed. */
export const failedExpires: number = 7 * 86_400_000;
