import { expect, it } from 'vitest';
import type { Broker } from '../driver/broker.ts';
import type { Admission, AdmissionEntry } from '../driver/semaphore.ts';
import { silentLogger } from '../logger.ts';
import { Admissions } from './concurrency-limiter.ts';

const entry = (id: string): AdmissionEntry => ({ queue: 'q', id, group: 'g', limit: 1 });

it('what becomes held while others are asked for is asked for too, at whatever moment', async () => {
  for (let ticks = 0; ticks < 20; ticks += 1) {
    const asked: string[] = [];
    const admission = {
      enter: async (entries: readonly AdmissionEntry[]) => {
        asked.push(...entries.map(({ id }) => id));
        return { fences: entries.map(() => 0), others: [] };
      },
    } as unknown as Admission; // as much as it uses
    const broker = { promote: async () => [] } as unknown as Broker;
    const stores = async () => ({ broker, admission, monitor: undefined, results: undefined });
    const admissions = new Admissions({ stores, logger: silentLogger, publishTimeout: 1 });
    const first = admissions.confirmEntry(entry('first'));
    for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
    await Promise.all([first, admissions.confirmEntry(entry('second'))]);
    await admissions.idle();
    expect(asked, `${ticks} microtasks later`).toEqual(['first', 'second']);
  }
});
