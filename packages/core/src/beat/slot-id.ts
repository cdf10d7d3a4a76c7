import { createHash } from 'node:crypto';

/** Longer names are cut and told apart by a hash: a task id has at most 200 characters. */
const longestPart = 80;

/**
 * The task id of one slot of one entry: whoever fires the slot publishes this id, and an id runs once. Names are spelled
 * in the charset of task ids: other characters as `~~` and their bytes in hexadecimal, so that no two names meet.
 */
export function slotId(app: string, entry: string, slot: number): string {
  return `beat~${spell(app)}~${spell(entry)}~${slot}`;
}

/** A part of `jitter` (milliseconds) that is the same for everybody who computes it for this slot. */
export function slotJitter(id: string, jitter: number): number {
  return jitter === 0 ? 0 : Math.floor((createHash('sha256').update(id).digest().readUInt32BE() / 2 ** 32) * jitter);
}

function spell(name: string): string {
  const text = name.replace(/[^\w.-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `~~${byte.toString(16).padStart(2, '0')}`).join(''),
  );
  if (text.length <= longestPart) return text;
  return `${text.slice(0, longestPart - 20)}~~~${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}
