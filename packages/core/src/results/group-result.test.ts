import { afterEach, beforeEach, expect, it } from 'vitest';
import { Lovage } from '../app/app.ts';
import { chain } from '../canvas/chain.ts';
import { group } from '../canvas/group.ts';
import { silentLogger } from '../logger.ts';
import { canvasTasks } from '../testing/scenarios/canvas/canvas-scenarios.ts';
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
