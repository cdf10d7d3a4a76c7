import { BrokerAuthenticationError, type StoreReport } from '@lovage/core/driver';
import type { RedisClient } from '../connection.ts';
import { isForbidden } from '../store-errors.ts';

/**
 * What Redis says of itself: its version, and the settings under which acknowledged tasks can be lost. Throws
 * {@link NotSupportedError} and {@link BrokerAuthenticationError} where the user may not run what everything needs.
 */
export async function reportStore(client: RedisClient, display: string): Promise<StoreReport> {
  const [info, save] = await Promise.all([serverInfo(client), savePoints(client), assertTime(client, display)]);
  if (info === undefined) return { version: 'Redis (version unknown)', warnings: [unchecked] };
  const value = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const version = value('redis_version') ?? 'unknown';
  const name = value('valkey_version') ? `Valkey ${value('valkey_version')}` : `Redis ${version}`;
  const warnings = [
    ...oldVersion(version),
    ...persistence(value('aof_enabled'), save),
    ...eviction(value('maxmemory_policy')),
  ];
  return { version: name, warnings };
}

const unchecked =
  'Redis does not let this user run INFO, so its version, its persistence (appendonly) and its eviction policy could not be checked.';

/** What INFO says; undefined where it is forbidden or renamed. */
async function serverInfo(client: RedisClient): Promise<string | undefined> {
  try {
    return await client.info();
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** Leases, delays and retention go by Redis's clock. */
async function assertTime(client: RedisClient, display: string): Promise<void> {
  try {
    await client.time();
  } catch (error) {
    if (!isForbidden(error)) throw error;
    const message = `Redis at ${display} does not let this user run TIME, by which leases, delays and expiry go: allow it (ACL: +time)`;
    throw new BrokerAuthenticationError(message, { cause: error });
  }
}

/** The save points, `''` for none; undefined where CONFIG is switched off or not allowed. */
async function savePoints(client: RedisClient): Promise<string | undefined> {
  try {
    const reply = (await client.config('GET', 'save')) as readonly string[];
    return reply[1] ?? '';
  } catch {
    return undefined; // managed services rename CONFIG, ACLs forbid it
  }
}

function oldVersion(version: string): string[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (Number.isNaN(major) || major > 6 || (major === 6 && minor >= 2)) return [];
  return [`Redis ${version} is older than 6.2, the oldest version that is supported: upgrade it.`];
}

function persistence(aof: string | undefined, save: string | undefined): string[] {
  if (aof !== '0' || (save !== undefined && save !== '')) return [];
  if (save === undefined) {
    return [
      'The append-only file is off and snapshots could not be checked, so a restart of Redis may lose tasks: switch on appendonly.',
    ];
  }
  return [
    'Redis keeps nothing on disk (appendonly no, no save points), so its restart loses every task: set appendonly yes.',
  ];
}

function eviction(policy: string | undefined): string[] {
  if (policy === undefined || policy === 'noeviction') return [];
  return [`Redis may evict tasks when it is full (maxmemory-policy ${policy}): set maxmemory-policy noeviction.`];
}
