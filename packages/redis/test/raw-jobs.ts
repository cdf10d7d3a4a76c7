import { newTaskId } from '@lovage/core/driver';
import type { Looked } from './streams-bench.ts';

/** A job as a broken producer on BullMQ would leave it, in a queue of Lovage's: `body` is its data, the job's id and name are what it says. */
export async function injectRaw(server: Looked, queue: string, body: string): Promise<void> {
  const id = /"id":"([^"]*)"/.exec(body)?.[1] ?? (body.startsWith('{"v"') ? '' : newTaskId());
  const task = /"task":"([^"]*)"/.exec(body)?.[1] ?? 'some.task';
  const fields = { name: task, data: body, opts: '{}', timestamp: Date.now(), delay: 0, priority: 0 };
  await server.client
    .multi()
    .hset(`${queue}:meta`, 'lovage', '1')
    .hset(`${queue}:${id}`, fields)
    .lpush(`${queue}:wait`, id)
    .zadd(`${queue}:marker`, 0, '0')
    .exec();
}
