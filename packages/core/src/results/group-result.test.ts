import { afterEach, beforeEach, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { chain } from '../canvas/chain.ts';
import { group } from '../canvas/group.ts';
import { silentLogger } from '../logger.ts';
import { canvasTasks } from '../testing/scenarios/canvas/canvas-scenarios.ts';
import { deferred } from '../testing/until.ts';
import { startWorker } from '../worker.ts';
import type { GroupResult } from './group-result.ts';

const timeout = 10_000;
let app: Lovage;
let other: Lovage;

beforeEach(async () => {
  const options = {
    broker: `memory://${expect.getState().currentTestName}`.replaceAll(' ', '-'),
    logger: silentLogger,
  };
  app = new Lovage('groups', options);
  other = new Lovage('others', options);
  await startWorker(app);
});
afterEach(() => Promise.all([app.close(), other.close()]));

async function namesOf(result: GroupResult): Promise<readonly string[]> {
  const values = await result.join({ propagate: false, timeout });
  return (values as Error[]).map(({ name, cause }) => `${name} < ${(cause as Error | undefined)?.name}`);
}

it('a group that never ran has its members everywhere, each with the error', async () => {
  const { add, fail } = canvasTasks(app);
  const result = await chain(fail.s(), group(add.s(1), add.s(2))).delay();
  await expect(result.get({ timeout })).rejects.toThrow('it had to');
  const found = other.groupResult(result.id);
  const failed = 'TaskFailedError < RangeError';
  expect(await namesOf(found)).toEqual([failed, failed]);
  expect(await found.size()).toBe(2);
  await expect(found.iterate({ timeout }).next()).rejects.toThrow('it had to');
});

it('a group of which nothing is known is no empty list', async () => {
  const unknown = other.groupResult('nobody-sent-it');
  await expect(unknown.iterate({ timeout: 50 }).next()).rejects.toMatchObject({ name: 'ResultTimeoutError' });
  await expect(unknown.join({ timeout: 50, propagate: false })).rejects.toMatchObject({ name: 'ResultTimeoutError' });
});

it('an empty group is one, found from anywhere', async () => {
  const { identity } = canvasTasks(app);
  const result = await chain(identity.s(1), group([])).delay();
  expect(await other.groupResult(result.id).join({ timeout, propagate: false })).toEqual([]);
});

it('the progress of a group is the sum of its members, parts of them too', async () => {
  const release = deferred<void>();
  const half = app.task({ name: 'half', bind: true }, async (self) => {
    await self.progress({ done: 1, of: 2 });
    await release.promise;
  });
  const { add, fail } = canvasTasks(app);
  const result = await group(add.s(1, 1), half.s(), add.s(2, 2)).delay();
  const seen: { done: number; total: number; failed: number }[] = [];
  for await (const progress of result.progress()) {
    seen.push(progress as (typeof seen)[number]);
    if (seen.at(-1)?.done === 2.5) release.resolve();
  }
  expect(seen.map(({ done }) => done)).toEqual([...seen.map(({ done }) => done)].sort());
  expect(seen.slice(-2)).toEqual([
    { done: 2.5, total: 3, failed: 0 },
    { done: 3, total: 3, failed: 0 },
  ]);
  const failing = await group(add.s(1, 1), fail.s()).delay();
  const last: unknown[] = [];
  for await (const progress of failing.progress()) last.push(progress);
  expect(last.at(-1)).toMatchObject({ total: 2, failed: 1 });
});
