import { z } from 'zod';
import type { JsonValue } from '../message/json.ts';
import type { EventType, LovageEvent } from './event.ts';

const taskFields = {
  id: z.string(),
  task: z.string(),
  queue: z.string(),
  rootId: z.string().optional(),
  parentId: z.string().optional(),
  tags: z.array(z.string()).optional(),
};
const workerFields = { app: z.string(), pid: z.number(), queues: z.array(z.string()), slots: z.number() };
const failure = z.object({ name: z.string(), message: z.string() });
const attempt = z.number();
const runtime = z.number();

const fields = {
  'task.sent': { ...taskFields, eta: z.number().optional() },
  'task.received': taskFields,
  'task.started': { ...taskFields, attempt },
  'task.succeeded': { ...taskFields, attempt, runtime },
  'task.failed': { ...taskFields, attempt, runtime, failure },
  'task.retried': { ...taskFields, attempt, retryAt: z.number(), failure },
  'task.revoked': { ...taskFields, reason: z.string() },
  'task.rejected': { ...taskFields, requeued: z.boolean(), reason: z.string() },
  'task.progress': { ...taskFields, progress: z.json() },
  'worker.online': workerFields,
  'worker.heartbeat': {
    ...workerFields,
    running: z.number(),
    succeeded: z.number(),
    failed: z.number(),
    retried: z.number(),
    loopLag: z.number(),
    tasks: z.array(z.string()).optional(),
    unpolledFor: z.number().optional(),
  },
  'worker.offline': workerFields,
} satisfies Record<EventType, z.ZodRawShape>;

const base = { at: z.number(), worker: z.string().optional() };
const schemas = new Map(
  Object.entries(fields).map(([type, shape]) => [type, z.object({ type: z.literal(type), ...base, ...shape })]),
);

/** The names of all events. */
export const eventTypes: readonly EventType[] = Object.keys(fields) as EventType[];

/** The events of one bus message; what is none (a newer worker's, a stranger's) is left out. */
export function parseEvents(input: JsonValue): readonly LovageEvent[] {
  if (!Array.isArray(input)) return [];
  const events: LovageEvent[] = [];
  for (const item of input as readonly JsonValue[]) {
    const type = (item as { readonly type?: JsonValue } | null)?.type;
    const parsed = typeof type === 'string' ? schemas.get(type)?.safeParse(item) : undefined;
    if (parsed?.success) events.push(parsed.data as unknown as LovageEvent); // each schema mirrors its EventFields
  }
  return events;
}
