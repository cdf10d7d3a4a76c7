import type { RunRow, RunRowPage } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import { unpackRows } from './row-batch.ts';

/** Batches in the first read of a page; each further read asks for twice as many: a batch holds from 1 to 128 rows. */
const firstRead = 4;
const largestRead = 256;

/** Where a row stands: the entry of its batch, and its place in there. */
interface Place {
  readonly entry: string;
  readonly index: number;
}

/** Reads rows of a stream of batches, the latest first. A place that cannot be read is taken as the end of the stream. */
export async function readRows(
  client: RedisClient,
  stream: string,
  { before, limit }: { readonly before?: string; readonly limit: number },
): Promise<RunRowPage> {
  const from = before === undefined ? undefined : parsePlace(before);
  const page: Page = { rows: [], places: [] };
  let end = from?.entry ?? '+';
  for (let count = firstRead; ; count = Math.min(count * 2, largestRead)) {
    const entries = await client.xrevrange(stream, end, '-', 'COUNT', count);
    for (const [entry, fields] of entries)
      addBatch(page, { entry, rows: unpackRows(fields[3] ?? ''), end: from?.entry === entry ? from.index : undefined });
    const more = entries.length === count;
    const { rows, places } = page;
    if (rows.length >= limit || !more)
      return { rows: rows.slice(0, limit), places: places.slice(0, limit), more: more || rows.length > limit };
    end = `(${entries.at(-1)?.[0]}`;
  }
}

interface Page {
  readonly rows: RunRow[];
  readonly places: string[];
}

interface Batch {
  readonly entry: string;
  readonly rows: readonly RunRow[];
  /** The rows before this one are meant. @default all */
  readonly end: number | undefined;
}

function addBatch(page: Page, { entry, rows, end = rows.length }: Batch): void {
  for (let index = Math.min(end, rows.length) - 1; index >= 0; index -= 1) {
    page.rows.push(rows[index] as RunRow);
    page.places.push(`${entry}:${index}`);
  }
}

function parsePlace(text: string): Place | undefined {
  const match = /^(\d+-\d+):(\d+)$/.exec(text);
  return match ? { entry: match[1] as string, index: Number(match[2]) } : undefined;
}
