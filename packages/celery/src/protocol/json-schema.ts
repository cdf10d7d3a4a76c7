import type { JsonValue } from '@lovage/core/driver';
import { z } from 'zod';

/** Fields of a JSON object. */
export type Fields = Readonly<Record<string, JsonValue>>;

/** Any JSON: it was parsed as such, and core checks depth and keys once, as a whole. */
export const json: z.ZodType<JsonValue> = z.any();
export const fields: z.ZodType<Fields> = z.record(z.string(), json);

/** Whether this is a JSON object. */
export function isFields(value: JsonValue | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
