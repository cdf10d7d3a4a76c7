import { NotSupportedError } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import { isForbidden } from '../store-errors.ts';

/** Throws {@link NotSupportedError} for a Redis that lacks what the scripts use (XPENDING IDLE, SMISMEMBER: 6.2). */
export async function assertVersion(client: RedisClient): Promise<void> {
  const version = /^redis_version:(.*?)\r?$/m.exec(await serverInfo(client))?.[1];
  if (version === undefined) return;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (Number.isNaN(major) || major > 6 || (major === 6 && minor >= 2)) return;
  throw new NotSupportedError(
    `redis+streams:// needs Redis 6.2 or newer, and this is Redis ${version}: upgrade it, or use redis:// (BullMQ)`,
  );
}

async function serverInfo(client: RedisClient): Promise<string> {
  try {
    return await client.info('server');
  } catch (error) {
    if (isForbidden(error)) return ''; // an ACL may forbid the question: then the scripts will say it
    throw error;
  }
}
