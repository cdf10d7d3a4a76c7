/** How the deferred failure of a job begins whose own fields cannot be read; the rest is the reason. */
export const unreadablePrefix = 'lovage:unreadable ';

/** The fields of a job's hash that a worker needs. */
const needed: ReadonlySet<unknown> = new Set(['name', 'data', 'timestamp', 'ats', 'atm', 'stc', 'defa', 'rjk']);

/**
 * Leaves of a reply that holds a job only what we read. BullMQ parses `opts`, `progress` and `parent` while it reads the
 * reply, outside every guard: with a job whose `opts` are not JSON it would throw there, and the job would come back for
 * ever. A field of ours that BullMQ would drop, the grant, goes to `grants` by the job's id. The reason is left in the job's `defa` (BullMQ's deferred failure), where the worker finds
 * it.
 */
export function sanitizeReply(reply: unknown, grants?: Map<unknown, string>): unknown {
  const fields: unknown = Array.isArray(reply) ? reply[0] : undefined;
  if (!Array.isArray(fields)) return reply;
  const kept: unknown[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [name, value] = [fields[index], fields[index + 1]];
    if (needed.has(name)) kept.push(name, value);
    else if (name === 'grant') grants?.set((reply as unknown[])[1], value as string);
    else if ((name === 'opts' || name === 'parent') && !isObject(value)) {
      kept.push('defa', `${unreadablePrefix}the job's ${name} is not JSON`);
    }
  }
  (reply as unknown[])[0] = kept;
  return reply;
}

/** Nearly all jobs have one of the same few texts as their `opts`: what was fine is not parsed again. */
const fine = new Set<unknown>();
const maxFine = 200;

function isObject(text: unknown): boolean {
  if (fine.has(text)) return true;
  try {
    const value: unknown = JSON.parse(text as string);
    if (typeof value !== 'object' || value === null) return false;
  } catch {
    return false;
  }
  if (fine.size < maxFine && (text as string).length < 200) fine.add(text);
  return true;
}
