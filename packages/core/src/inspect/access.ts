import { runtimeOf } from '../app/app-runtime.ts';
import type { AccessGrant, AccessRequest } from '../driver/access.ts';

/**
 * The user of the broker's store with the least rights for a role, for its administrator; the store is not asked. Throws
 * {@link NotSupportedError} for a broker without users of its own.
 */
export function accessOf(app: object, request: Omit<AccessRequest, 'prefix'>): Promise<AccessGrant> {
  return runtimeOf(app).stores.access(request);
}
