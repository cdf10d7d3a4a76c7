import { z } from 'zod';
import type { Keys } from '../keys.ts';
import { scriptsOf } from '../scripts/scripts.ts';
import type { StoreLink } from '../store-link.ts';
import type { EndedKind } from './ended-log.ts';

/** What may stay of one kind of outcomes. */
export interface ClusterSweep {
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

interface Totals {
  readonly count: number;
  readonly bytes: number;
}

/**
 * Deletes the oldest outcomes of a kind as sweep-ended does, on a cluster, where no script can reach them all: batch by batch, from
 * here. Results go before the list says so: after a crash between the two the next sweep finds them gone. Answers with the bytes
 * that are left.
 */
export async function sweepCluster(sweep: ClusterSweep): Promise<number> {
  const { link, keys, kind } = sweep;
  const now = await link.run(async (client) => Number((await client.time())[0]) * 1_000);
  for (;;) {
    const [fields, text] = await link.run((client) =>
      Promise.all([client.hgetall(keys.endedTotals), client.lindex(keys.ended(kind), 0)]),
    );
    const totals: Totals = { count: Number(fields[`${kind}:count`] ?? 0), bytes: Number(fields[`${kind}:bytes`] ?? 0) };
    if (text === null) {
      if (totals.count !== 0 || totals.bytes !== 0)
        await link.run((client) => client.hset(keys.endedTotals, `${kind}:count`, 0, `${kind}:bytes`, 0));
      return 0;
    }
    const batch = parseBatch(text);
    const going = await howMany(sweep, { batch, totals, now });
    if (going === undefined) return totals.bytes;
    if (batch.expires > now) await deleteResults(sweep, batch.ids.slice(0, going));
    if (!(await shorten(sweep, { batch, text, going }))) return totals.bytes; // another sweep is at it
  }
}

/** How many of a batch go, from its beginning; undefined when nothing more has to. One whose results are all gone goes whole. */
async function howMany(
  { link, keys, most, room, grace }: ClusterSweep,
  { batch, totals, now }: { readonly batch: Batch; readonly totals: Totals; readonly now: number },
): Promise<number | undefined> {
  const { ids, count, bytes, at, expires } = batch;
  if (expires <= now) return ids.length;
  const there = await link.run((client) => Promise.all(ids.map((id) => client.exists(keys.result(id)))));
  if (!there.includes(1)) return ids.length;
  const over = Math.max(totals.count - most, Math.ceil((count * (totals.bytes - room)) / Math.max(1, bytes)));
  return over <= 0 || now - at < grace ? undefined : Math.min(ids.length, over);
}

async function deleteResults({ link, keys }: ClusterSweep, ids: readonly string[]): Promise<void> {
  await link.run((client) => Promise.all(ids.map((id) => client.del(keys.result(id)))));
}

/** Takes what went off the list and the totals. False when the batch is not the first of the list any more. */
async function shorten(
  { link, keys, kind }: ClusterSweep,
  { batch, text, going }: { readonly batch: Batch; readonly text: string; readonly going: number },
): Promise<boolean> {
  const left = batch.ids.slice(going);
  const bytes = batch.ids.length === 0 ? 0 : Math.floor((batch.bytes * left.length) / batch.ids.length);
  const rest = left.length === 0 ? '' : `${batch.at}:${batch.expires}:${left.length}:${bytes}:${JSON.stringify(left)}`;
  const args = [kind, text, rest, batch.count - left.length, batch.bytes - bytes];
  const done = await link.run((client) => scriptsOf(client).shortenEnded([keys.ended(kind), keys.endedTotals], args));
  return done === 1;
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
