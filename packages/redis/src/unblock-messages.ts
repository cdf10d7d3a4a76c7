import type { BlockedMessage } from '@lovage/core/driver';

/** Messages looked for by one script: bounds the time it holds Redis. */
const chunkSize = 500;

/** How a script is told what to promote: '1' before all others, 't' also when it is delayed until a time, or ''. */
export function promotionOf({ first, timed }: BlockedMessage): string {
  return `${first ? '1' : ''}${timed ? 't' : ''}`;
}

/** Asks for held messages queue by queue; `promote` answers with one letter per message, `y` for those it made ready. */
export async function unblockMessages(
  held: readonly BlockedMessage[],
  promote: (queue: string, chunk: readonly BlockedMessage[]) => Promise<string>,
): Promise<readonly boolean[]> {
  const promoted = held.map(() => false);
  const places = new Map<string, number[]>();
  for (const [index, { queue }] of held.entries()) {
    const known = places.get(queue);
    if (known) known.push(index);
    else places.set(queue, [index]);
  }
  for (const [queue, indexes] of places) {
    for (let start = 0; start < indexes.length; start += chunkSize) {
      const chunk = indexes.slice(start, start + chunkSize);
      const letters = await promote(
        queue,
        chunk.map((index) => held[index] as BlockedMessage),
      );
      for (const [nth, index] of chunk.entries()) promoted[index] = letters[nth] === 'y';
    }
  }
  return promoted;
}
