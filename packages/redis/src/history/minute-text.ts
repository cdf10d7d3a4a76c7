import type { MinuteStats } from '@lovage/core/driver';

type Numbers = [number, number, number, number, number, MinuteStats['wait'], MinuteStats['run']];

/** Statistics as the field and the value that the script adds up. */
export function packMinute(stats: MinuteStats): [field: string, value: string] {
  const { task, queue, succeeded, failed, retried, revoked, busy, wait, run } = stats;
  const value: Numbers = [succeeded, failed, retried, revoked, busy, wait, run];
  return [JSON.stringify([task, queue]), JSON.stringify(value)];
}

/** Undoes {@link packMinute}; nothing for foreign bytes. */
export function unpackMinute(minute: number, field: string, value: string): readonly MinuteStats[] {
  try {
    const [task, queue] = JSON.parse(field) as [string, string];
    const [succeeded, failed, retried, revoked, busy, wait, run] = JSON.parse(value) as Numbers;
    return [{ minute, task, queue, succeeded, failed, retried, revoked, busy, wait, run }];
  } catch {
    return [];
  }
}
