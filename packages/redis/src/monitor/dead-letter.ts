import type { DeadLetter, DeadLetterPage, ParkedLetter } from '@lovage/core/driver';
import type { StoreLink } from '../store-link.ts';

/** Letters deleted by one command. */
const chunkSize = 500;

/** The dead letters of a queue, which both brokers keep in one stream of the same shape. */
export async function readDeadLetters(
  link: StoreLink,
  { queue, key }: DeadLetterStream,
  limit: number,
  { after, oldestFirst = false }: DeadLetterPage = {},
): Promise<readonly DeadLetter[]> {
  const count = Math.floor(limit);
  if (count < 1) return [];
  const entries = await link.run((client) =>
    oldestFirst
      ? client.xrange(key, after === undefined ? '-' : `(${after}`, '+', 'COUNT', count)
      : client.xrevrange(key, after === undefined ? '+' : `(${after}`, '-', 'COUNT', count),
  );
  return entries.map(([entry, fields]) => parseDeadLetter(queue, entry, fields));
}

/** Parks letters in the order given. The sweep bounds how many are kept. After a lost reply again: a letter may be kept twice. */
export async function parkLetters(
  link: StoreLink,
  { key }: Pick<DeadLetterStream, 'key'>,
  letters: readonly ParkedLetter[],
): Promise<void> {
  for (let start = 0; start < letters.length; start += chunkSize) {
    await link.run((client) =>
      Promise.all(
        letters
          .slice(start, start + chunkSize)
          .map(({ id, at, reason, task = '', body }) =>
            client.xadd(
              key,
              '*',
              ...['id', id, 'at', String(at), 'reason', reason.name, 'message', reason.message],
              ...['task', task, 'body', body, 'opts', ''],
            ),
          ),
      ),
    );
  }
}

/** Deletes letters by their keys; after a lost reply again, which then counts those that the first try deleted as not there. */
export async function removeDeadLetters(
  link: StoreLink,
  { key }: Pick<DeadLetterStream, 'key'>,
  keys: readonly string[],
): Promise<number> {
  const entries = keys.filter((entry) => /^\d+-\d+$/.test(entry));
  let removed = 0;
  for (let start = 0; start < entries.length; start += chunkSize) {
    removed += await link.run((client) => client.xdel(key, ...entries.slice(start, start + chunkSize)));
  }
  return removed;
}

/** Where the dead letters of a queue are. */
export interface DeadLetterStream {
  readonly queue: string;
  readonly key: string;
}

/** A dead letter from the fields that park-dead wrote. */
function parseDeadLetter(queue: string, key: string, fields: readonly string[]): DeadLetter {
  const field = (name: string): string => {
    const index = fields.findIndex((text, at) => at % 2 === 0 && text === name);
    return (index < 0 ? undefined : fields[index + 1]) ?? '';
  };
  const task = field('task');
  return {
    key,
    id: field('id'),
    queue,
    ...(task === '' ? {} : { task }),
    at: momentOf(field('at')),
    reason: { name: field('reason'), message: field('message') },
    body: field('body'),
  };
}

/** Epoch milliseconds that a Date can have; 0 for anything else. */
function momentOf(text: string): number {
  const at = Number(text);
  return at > 0 && at <= 8.64e15 ? at : 0;
}
