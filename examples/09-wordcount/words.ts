// What is counted, with no queue in it: the same functions answer in one process.
import { createHash } from 'node:crypto';

export type Counts = Readonly<Record<string, number>>;

/** What a corpus comes to; the digest is over every word and its count. */
export interface Summary {
  readonly words: number;
  readonly distinct: number;
  readonly digest: string;
  readonly top: readonly (readonly [word: string, count: number])[];
}

export function countWords(text: string): Counts {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries(counts);
}

export function addUp(parts: Iterable<Counts>): ReadonlyMap<string, number> {
  const total = new Map<string, number>();
  for (const part of parts) {
    for (const [word, count] of Object.entries(part)) total.set(word, (total.get(word) ?? 0) + count);
  }
  return total;
}

export function summarise(total: ReadonlyMap<string, number>): Summary {
  const sorted = [...total].sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  const digest = createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16);
  const words = sorted.reduce((sum, [, count]) => sum + count, 0);
  return { words, distinct: sorted.length, digest, top: sorted.slice(0, 5) };
}
