import { type BackendFactory, QueueKeys, RedisConnection, RedisQueueBackend, type WorkerOptions } from 'bullmq';
import type { RedisClient } from '../connection.ts';
import { tameReply } from './tame-reply.ts';

/** Replies of these scripts hold the next job. */
const takes: ReadonlySet<string> = new Set(['moveToActive', 'moveToFinished', 'moveToDelayed']);

/** BullMQ's Redis backend on connections of ours, with replies that it cannot choke on. */
export class TaskBackend extends RedisQueueBackend {
  /** Every script of BullMQ passes here. */
  override execCommand(
    client: Parameters<RedisQueueBackend['execCommand']>[0],
    name: string,
    // biome-ignore lint/suspicious/noExplicitAny: the signature is BullMQ's
    args: any[],
    // biome-ignore lint/suspicious/noExplicitAny: the signature is BullMQ's
  ): any {
    const reply = super.execCommand(client, name, args);
    return takes.has(name) ? reply.then(tameReply) : reply;
  }
}

/**
 * A backend for one queue on `client` (shared by all) and, for a worker, `blocking` (its own). BullMQ would make
 * connections of its own here, wait for them to be ready before every command, and ask each server for its version.
 * Ours are never closed by BullMQ.
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
  );
}

/** What BullMQ's classes pass to their backend. */
export type TaskBackendOptions = Pick<WorkerOptions, 'connection' | 'prefix'> & Partial<WorkerOptions>;

/** The factory BullMQ's Worker asks for its backend. */
export function taskBackendFactory(blocking: RedisClient): BackendFactory<TaskBackend> {
  return (name, opts) => createTaskBackend(name, opts as TaskBackendOptions, blocking);
}

function adopt(client: RedisClient): RedisConnection {
  const connection = new RedisConnection(client, { shared: true, skipVersionCheck: true, skipWaitingForReady: true });
  connection.on('error', () => {}); // the client has a listener of ours
  // Without the version check BullMQ takes every server for the oldest and rounds blocking reads up to whole seconds
  // (a delayed task up to 1 s late). Fractions are understood since Redis 6.0; the driver warns below 6.2.
  void connection.client.then(() => {
    connection.capabilities = { canDoubleTimeout: true, canBlockFor1Ms: false };
  });
  return connection;
}
