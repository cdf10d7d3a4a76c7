import { expect, it } from 'vitest';
import type { Broker } from '../driver/broker.ts';
import type { AcquireRequest, Semaphore } from '../driver/semaphore.ts';
import { silentLogger } from '../logger.ts';
import { ConcurrencyLimiter } from './concurrency-limiter.ts';

const entry = (id: string): AcquireRequest => ({ queue: 'q', id, group: 'g', limit: 1 });

it('what becomes held while others are asked for is asked for too, at whatever moment', async () => {
  for (let ticks = 0; ticks < 20; ticks += 1) {
    const asked: string[] = [];
    const semaphore = {
      acquire: async (entries: readonly AcquireRequest[]) => {
        asked.push(...entries.map(({ id }) => id));
        return { fencingTokens: entries.map(() => 0), others: [] };
      },
    } as unknown as Semaphore; // as much as it uses
    const broker = { unblock: async () => [] } as unknown as Broker;
    const stores = async () => ({ broker, semaphore, monitor: undefined, results: undefined });
    const concurrencyLimiter = new ConcurrencyLimiter({ stores, logger: silentLogger, publishTimeout: 1 });
    const first = concurrencyLimiter.confirmRequest(entry('first'));
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    await Promise.all([first, concurrencyLimiter.confirmRequest(entry('second'))]);
    await concurrencyLimiter.idle();
    expect(asked, `${ticks} microtasks later`).toEqual(['first', 'second']);
  }
});
