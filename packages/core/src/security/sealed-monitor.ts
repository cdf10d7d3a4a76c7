import type { DeadLetter, Monitor } from '../driver/monitor.ts';
import { type Message, messageVersion } from '../message/message.ts';
import { parseMessage } from '../message/message-parser.ts';
import { failureOf, type MessageSeal } from './message-seal.ts';
import type { RecordSeal } from './record-seal.ts';

/** A monitor that shows messages as they were sent. */
export function sealMonitor(inner: Monitor, messages: MessageSeal, records: RecordSeal): Monitor {
  const show = (message: Message): Message => {
    try {
      return messages.open(message, true);
    } catch {
      return message; // it is parked when a worker gets it
    }
  };
  const letter = (of: DeadLetter): DeadLetter => {
    const reason = { ...of.reason, message: records.openReason(of.reason.message) };
    try {
      return { ...of, reason, body: JSON.stringify(messages.open(messageOf(of), true)) };
    } catch (error) {
      return { ...of, reason, untrusted: failureOf(error).message };
    }
  };
  const { oldest, find, setPaused, drop, undelivered, blocked, peek, remove } = inner;
  return {
    queues: () => inner.queues(),
    counts: (queues) => inner.counts(queues),
    ...(oldest ? { oldest: (queues) => oldest.call(inner, queues) } : {}),
    locate: (ids, queues) => inner.locate(ids, queues),
    ...(find
      ? { find: async (ids, queues) => (await find.call(inner, ids, queues)).map((one) => one && show(one)) }
      : {}),
    purge: (queue) => inner.purge(queue),
    ...(setPaused ? { setPaused: (queue, paused) => setPaused.call(inner, queue, paused) } : {}),
    ...(drop ? { drop: (queue) => drop.call(inner, queue) } : {}),
    ...(undelivered
      ? {
          undelivered: async (queue, from) => {
            const page = await undelivered.call(inner, queue, from);
            return { ...page, messages: page.messages.map(show) };
          },
        }
      : {}),
    ...(blocked
      ? { blocked: async (queue, from, limit) => (await blocked.call(inner, queue, from, limit)).map(show) }
      : {}),
    ...(peek ? { peek: async (queue, limit) => (await peek.call(inner, queue, limit)).map(show) } : {}),
    ...(remove ? { remove: (ids, queues) => remove.call(inner, ids, queues) } : {}),
    deadLetters: async (queue, limit, page) => (await inner.deadLetters(queue, limit, page)).map(letter),
    removeDeadLetters: (queue, keys) => inner.removeDeadLetters(queue, keys),
  };
}

/** The parked message: its letter says what its bytes need not. */
function messageOf({ body, id, queue, task, at }: DeadLetter): Message {
  const blank = { v: messageVersion, sentAt: at, priority: 0, retries: 0 };
  const read: unknown = JSON.parse(body);
  return parseMessage({ ...blank, ...(read as object), id, queue, ...(task === undefined ? {} : { task }) });
}
