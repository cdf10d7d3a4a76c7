// Map and reduce: words are counted chunk by chunk in many processes, and the counts are added up in one.
import { open } from 'node:fs/promises';
import { chord, Lovage } from 'lovage';
import { addUp, type Counts, countWords, summarise } from './words.ts';

// Counts of a chunk are larger than the 1 MiB that a result may have unasked. LOVAGE_BROKER_URL wins over this URL.
export const app = new Lovage('wordcount', {
  broker: 'redis+streams://localhost:6379/0',
  maxResult: '32MiB',
  resultExpires: '1h',
});

/** Part of a file; a line belongs to the part that it begins in. */
export interface Part {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

const longestLine = 64 * 1024;

export const count = app.task('words.count', async ({ file, from, to }: Part): Promise<Counts> => {
  const handle = await open(file);
  try {
    const start = Math.max(0, from - 1); // a line break just before the part: the first line is the part's own
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(to - start + longestLine), { position: start });
    const bytes = buffer.subarray(0, bytesRead);
    const first = from === 0 ? 0 : bytes.indexOf('\n') + 1;
    const last = bytes.indexOf('\n', Math.max(0, to - start - 1));
    return countWords(bytes.toString('utf8', first, last === -1 ? bytesRead : last));
  } finally {
    await handle.close();
  }
});

export const reduce = app.task('words.reduce', (parts: readonly Counts[]) => summarise(addUp(parts)));

/** Every chunk of a file, counted side by side, then added up. */
export function wordCount(file: string, size: number, chunk: number) {
  const parts = Array.from({ length: Math.ceil(size / chunk) }, (_, index) =>
    count.s({ file, from: index * chunk, to: Math.min(size, (index + 1) * chunk) }),
  );
  return chord(parts, reduce.s());
}
