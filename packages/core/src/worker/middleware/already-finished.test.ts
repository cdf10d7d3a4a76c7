import { expect, it } from 'vitest';
import { systemClock } from '../../clock.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import { silentLogger } from '../../logger.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { AttemptResult } from '../execution/attempt-result.ts';
import { createAlreadyFinished } from './already-finished.ts';
import { StoreBackoff } from './store-backoff.ts';

const backoff = new StoreBackoff({ clock: systemClock, logger: silentLogger, what: 'ask' });
const attempt = { message: { id: 'a' }, delivery: { deliveryCount: 2 } } as unknown as Attempt; // as much as it reads
const ran: AttemptResult = { state: 'SUCCESS', value: 'ran' };
const ask = (get: ResultBackend['get']): Promise<AttemptResult> =>
  createAlreadyFinished({ results: stored(get), history: undefined, clock: systemClock }, backoff).run(
    attempt,
    async () => ran,
  );
const stored = (get: ResultBackend['get']): ResultBackend =>
  ({ get, forget: async () => {} }) as unknown as ResultBackend;

it('runs what has no outcome, repeats what has one, and hands back what cannot be asked for', async () => {
  const record = { id: 'a', task: 't', state: 'SUCCESS', attempts: 1, at: 0 };
  expect(await ask(async () => [undefined, undefined])).toEqual(ran);
  expect(await ask(async () => [record, undefined])).toEqual({ state: 'ALREADY_FINISHED', outcome: record });
  const plan = { ...record, id: 'a~p', state: 'PENDING' };
  expect(await ask(async () => [undefined, plan])).toEqual({ state: 'REPLACED' });
  expect(await ask(async () => [record, plan])).toEqual({ state: 'ALREADY_FINISHED', outcome: record });
  expect(await ask(() => Promise.reject(new Error('the store is away')))).toEqual({
    state: 'RELEASED',
    at: expect.any(Number),
  });
});
