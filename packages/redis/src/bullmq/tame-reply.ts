/** How the deferred failure of a job begins whose own fields cannot be read; the rest is the reason. */
export const unreadablePrefix = 'lovage:unreadable ';

/** Fields of a job's hash that BullMQ parses without a guard, and what stands for them when they are not what they should be. */
const parsed: Readonly<Record<string, string>> = { opts: '{}', progress: '0', parent: 'null' };

/**
 * Repairs a reply that holds a job whose `opts`, `progress` or `parent` are not JSON (reliability.md M15): BullMQ would
 * throw while it reads the reply, outside every guard, and the job would come back for ever. The reason is left in the
 * job's `defa` (BullMQ's deferred failure), where the worker finds it.
 */
export function tameReply(reply: unknown): unknown {
  const fields: unknown = Array.isArray(reply) ? reply[0] : undefined;
  if (!Array.isArray(fields)) return reply;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const stand = parsed[fields[index] as string];
    if (stand === undefined || isFine(fields[index], fields[index + 1])) continue;
    fields.push('defa', `${unreadablePrefix}the job's ${fields[index]} are not JSON`);
    fields[index + 1] = stand;
  }
  return reply;
}

/** Nearly all jobs have the same few texts there: what was fine is not parsed again. */
const fine = new Set<string>();
const maxFine = 200;

function isFine(field: unknown, text: unknown): boolean {
  if (typeof text !== 'string') return false;
  if (text === '' || fine.has(text)) return true;
  try {
    const value: unknown = JSON.parse(text);
    if (field === 'opts' && (typeof value !== 'object' || value === null || Array.isArray(value))) return false;
  } catch {
    return false;
  }
  if (text.length < 200 && fine.size < maxFine) fine.add(text);
  return true;
}
