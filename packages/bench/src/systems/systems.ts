import { celerySlots, type System, streamsSlots } from './system.ts';

/** The systems that run in Node. */
export type SystemName =
  | 'lovage'
  | 'lovage-events'
  | 'lovage-streams'
  | 'lovage-streams-events'
  | 'lovage-celery'
  | 'bullmq'
  | 'bee-queue'
  | 'groupmq'
  | 'redis-list';

/** Each is loaded only in the process that uses it. */
const loaders: Readonly<Record<SystemName, () => Promise<(url: string) => System>>> = {
  lovage: async () => (await import('./lovage.ts')).createLovageSystem,
  'lovage-events': async () => {
    const { createLovageSystem } = await import('./lovage.ts');
    return (url) => createLovageSystem(url, { events: true });
  },
  'lovage-streams': async () => {
    const { createLovageSystem } = await import('./lovage.ts');
    return (url) => createLovageSystem(streamsUrl(url), { concurrency: streamsSlots });
  },
  'lovage-streams-events': async () => {
    const { createLovageSystem } = await import('./lovage.ts');
    return (url) => createLovageSystem(streamsUrl(url), { concurrency: streamsSlots, events: true });
  },
  'lovage-celery': async () => {
    const { createLovageSystem } = await import('./lovage.ts');
    return (url) => createLovageSystem(url.replace('redis://', 'celery+redis://'), { concurrency: celerySlots });
  },
  bullmq: async () => (await import('./bullmq.ts')).createBullmqSystem,
  'bee-queue': async () => (await import('./bee-queue.ts')).createBeeQueueSystem,
  groupmq: async () => (await import('./groupmq.ts')).createGroupmqSystem,
  'redis-list': async () => (await import('./redis-list.ts')).createRedisListSystem,
};

/** The same Redis, for the Streams driver. */
export function streamsUrl(url: string): string {
  return url.replace('redis://', 'redis+streams://');
}

export async function createSystem(name: SystemName, url: string): Promise<System> {
  return (await loaders[name]())(url);
}
