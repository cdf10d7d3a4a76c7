import { type BackendFactory, QueueKeys, RedisConnection, type WorkerOptions } from 'bullmq';
import type { RedisClient } from '../connection.ts';
import type { StoreClock } from '../store-clock.ts';
import { TaskBackend } from './task-backend.ts';

/**
 * A backend for one queue on `client` (shared by all) and, for a worker, `blocking` (its own). BullMQ would make
 * connections of its own here, wait for them to be ready before every command, and ask each server for its version.
 */
export function createTaskBackend(name: string, opts: TaskBackendOptions, blocking?: RedisClient): TaskBackend {
  const keys = new QueueKeys(opts.prefix);
  const connection = adopt(opts.connection as RedisClient);
  return new TaskBackend(
    connection,
    name,
    keys.getKeys(name),
    (type) => keys.toKey(name, type),
    opts,
    blocking && adopt(blocking),
    false, // we own the connections: BullMQ's close() leaves them and their listeners alone
  );
}

/** What BullMQ's classes pass to their backend. */
export type TaskBackendOptions = Pick<WorkerOptions, 'connection' | 'prefix'> & Partial<WorkerOptions>;

/** The factory BullMQ's Worker asks for its backend. */
export function taskBackendFactory(parts: {
  readonly blocking: RedisClient;
  readonly storeClock: StoreClock;
  readonly queueEvents: boolean;
}): BackendFactory<TaskBackend> {
  return (name, opts) => {
    const backend = createTaskBackend(name, opts as TaskBackendOptions, parts.blocking);
    backend.clock = parts.storeClock;
    backend.queueEvents = parts.queueEvents;
    return backend;
  };
}

/** One wrapper per client, however many queues share it: each adds listeners to the client. */
const adopted = new WeakMap<RedisClient, RedisConnection>();

function adopt(client: RedisClient): RedisConnection {
  const known = adopted.get(client);
  if (known) return known;
  const connection = new RedisConnection(client, { shared: true, skipVersionCheck: true, skipWaitingForReady: true });
  connection.on('error', () => {}); // the client has a listener of ours
  // Without the version check BullMQ takes every server for the oldest and rounds blocking reads up to whole seconds
  // (a delayed task up to 1 s late). Fractions are understood since Redis 6.0; the driver warns below 6.2.
  const capable = (): void => {
    connection.capabilities = { canDoubleTimeout: true, canBlockFor1Ms: false };
  };
  connection.client.then(capable, () => {}); // rejects only for a client that has ended, whose commands say so
  adopted.set(client, connection);
  return connection;
}
