import { z } from 'zod';
import type { Keys } from '../keys.ts';
import type { StoreLink } from '../store-link.ts';
import type { EndedKind } from './ended-log.ts';

/** What may stay of one kind of outcomes. */
export interface ApartSweep {
  readonly link: StoreLink;
  readonly keys: Keys;
  readonly kind: EndedKind;
  /** Most outcomes, and most bytes. */
  readonly most: number;
  readonly room: number;
  /** The youngest that may go, in milliseconds. */
  readonly grace: number;
}

/** What note-ended writes. */
interface Batch {
  readonly at: number;
  readonly expires: number;
  readonly count: number;
  readonly bytes: number;
  readonly ids: readonly string[];
}

const batchText = /^(\d+):(\d+):(\d+):(\d+):(\[.*\])$/s;
const batchIds = z.array(z.string());
/** A batch that nobody can read goes, with nothing. */
const unreadable: Batch = { at: 0, expires: 0, count: 0, bytes: 0, ids: [] };

/**
 * Deletes the oldest outcomes of a kind as sweep-ended does, on a cluster, where no script can reach them all: batch by batch, from
 * here. A batch goes whole. Answers with the bytes that are left.
 */
export async function sweepApart(sweep: ApartSweep): Promise<number> {
  const { link, keys, kind } = sweep;
  for (;;) {
    const [totals, text] = await link.run((client) =>
      Promise.all([client.hgetall(keys.endedTotals), client.lindex(keys.ended(kind), 0)]),
    );
    const [count, bytes] = ['count', 'bytes'].map((what) => Number(totals[`${kind}:${what}`] ?? 0)) as [number, number];
    if (text === null) {
      if (count !== 0 || bytes !== 0)
        await link.run((client) => client.hset(keys.endedTotals, `${kind}:count`, 0, `${kind}:bytes`, 0));
      return 0;
    }
    const batch = parseBatch(text);
    const over = (count > sweep.most || bytes > sweep.room) && Date.now() - batch.at >= sweep.grace;
    if (batch.expires > Date.now() && !over) return bytes;
    await deleteBatch(sweep, batch, text);
  }
}

async function deleteBatch({ link, keys, kind }: ApartSweep, batch: Batch, text: string): Promise<void> {
  await link.run((client) => Promise.all(batch.ids.map((id) => client.del(keys.result(id)))));
  const gone = await link.runOnce((client) => client.lrem(keys.ended(kind), 1, text)); // by value: never another one
  if (gone === 0) return;
  await link.runOnce((client) =>
    Promise.all([
      client.hincrby(keys.endedTotals, `${kind}:count`, -batch.count),
      client.hincrby(keys.endedTotals, `${kind}:bytes`, -batch.bytes),
    ]),
  );
}

function parseBatch(text: string): Batch {
  const [, at, expires, count, bytes, ids] = batchText.exec(text) ?? [];
  if (ids === undefined) return unreadable;
  return {
    at: Number(at),
    expires: Number(expires),
    count: Number(count),
    bytes: Number(bytes),
    ids: batchIds.parse(JSON.parse(ids)),
  };
}
