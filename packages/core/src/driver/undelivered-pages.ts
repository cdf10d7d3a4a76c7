import type { Message } from '../message/message.ts';
import type { Monitor } from './monitor.ts';

/** What waits or is delayed in a queue, a page at a time; nothing where the broker cannot say. */
export async function* undeliveredPages(monitor: Monitor, queue: string): AsyncGenerator<readonly Message[]> {
  for (let page: string | undefined; ; ) {
    const found = await monitor.undelivered?.(queue, page);
    if (found === undefined) return;
    yield found.messages;
    if (found.next === undefined) return;
    page = found.next;
  }
}
