import type { AutoscaleLimits } from '@lovage/core/worker';
import { usageError } from '../exit-code.ts';
import { readCount } from './read-count.ts';

/** The bounds of `--autoscale 16,2`, in Celery's order. `where` names the flag or command in the error. */
export function readAutoscale(parts: readonly string[], where: string): AutoscaleLimits {
  const [max, min = '1', ...rest] = parts;
  if (max === undefined || rest.length > 0) throw usageError(`${where}: expected max,min, such as 16,2`);
  const limits = { max: readCount(max.trim(), `${where}: max`), min: readCount(min.trim(), `${where}: min`) };
  if (limits.min > limits.max) throw usageError(`${where}: min ${limits.min} is above max ${limits.max}`);
  return limits;
}
