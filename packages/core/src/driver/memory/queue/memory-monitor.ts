import type { Message } from '../../../message/message.ts';
import { parseMessageText } from '../../../message/message-parser.ts';
import type { Monitor } from '../../monitor.ts';
import type { MemoryStore } from '../memory-store.ts';

/** Looks at the queues of a store. */
export function createMemoryMonitor(store: MemoryStore, assertOpen: () => void): Monitor {
  return {
    ...createCounts(store, assertOpen),
    ...createReads(store, assertOpen),
    queues: async () => {
      assertOpen();
      return [...store.queues.keys()];
    },
    locate: async (ids, queues) => {
      assertOpen();
      const within = queues && new Set(queues);
      return ids.map((id) => {
        const entry = store.find(id);
        return entry && (!within || within.has(entry.queue)) ? entry.place : undefined;
      });
    },
    find: async (ids, queues) => {
      assertOpen();
      const within = queues && new Set(queues);
      return ids.map((id) => {
        const entry = store.find(id);
        return entry && (!within || within.has(entry.queue)) ? readable(entry.body)[0] : undefined;
      });
    },
    purge: async (queue) => {
      assertOpen();
      return store.purge(queue);
    },
    setPaused: async (queue, paused) => {
      assertOpen();
      store.queue(queue).setPaused(paused);
    },
    drop: async (queue) => {
      assertOpen();
      store.drop(queue);
    },
    remove: async (ids, queues) => {
      assertOpen();
      const within = queues && new Set(queues);
      return ids.map((id) => store.remove(id, within));
    },
    park: async (queue, letters) => {
      assertOpen();
      for (const letter of letters) store.queue(queue).park({ ...letter, queue });
    },
    deadLetters: async (queue, limit, page) => {
      assertOpen();
      return store.queues.get(queue)?.deadLetters(limit, page) ?? [];
    },
    removeDeadLetters: async (queue, keys) => {
      assertOpen();
      return store.queues.get(queue)?.removeDeadLetters(keys) ?? 0;
    },
  };
}

function createReads(
  store: MemoryStore,
  assertOpen: () => void,
): Required<Pick<Monitor, 'undelivered' | 'peek' | 'blocked'>> {
  return {
    undelivered: async (queue) => {
      assertOpen();
      return { messages: store.undelivered(queue).flatMap(readable) };
    },
    blocked: async (queue, from, limit) => {
      assertOpen();
      const held = store.queues.get(queue)?.held() ?? [];
      return held.slice(from, from + limit).flatMap(({ body }) => readable(body));
    },
    peek: async (queue, limit) => {
      assertOpen();
      return store.queues.get(queue)?.waiting().flatMap(readable).slice(0, limit) ?? [];
    },
  };
}

function createCounts(store: MemoryStore, assertOpen: () => void): Required<Pick<Monitor, 'counts' | 'oldest'>> {
  return {
    counts: async (queues) => {
      assertOpen();
      return queues.map(
        (queue) =>
          store.queues.get(queue)?.counts() ?? {
            queue,
            waiting: 0,
            delayed: 0,
            blocked: 0,
            running: 0,
            dead: 0,
            paused: false,
          },
      );
    },
    oldest: async (queues) => {
      assertOpen();
      return queues.map((queue) => store.queues.get(queue)?.oldest());
    },
  };
}

function readable(body: string): readonly Message[] {
  try {
    return [parseMessageText(body)];
  } catch {
    return []; // foreign bytes: who meets them parks them
  }
}
