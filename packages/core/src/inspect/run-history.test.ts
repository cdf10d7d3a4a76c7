import { expect, it } from 'vitest';
import { z } from 'zod';
import { Lovage } from '../app/app.ts';
import { runtimeOf } from '../app/app-runtime.ts';
import type { RunRow } from '../history/run-row.ts';
import { silentLogger } from '../logger.ts';
import { secret } from '../options/secret.ts';
import { describeTasks } from './describe-tasks.ts';
import { RunHistory } from './run-history.ts';

const row = (index: number): RunRow => ({
  id: `id-${index}`,
  task: index % 2 === 0 ? 'mail.send' : 'add',
  queue: 'mail',
  state: index % 5 === 0 ? 'FAILURE' : 'SUCCESS',
  at: 1_000_000 + index,
  ...{ wait: 1, run: 2, attempt: 1, worker: 'w1' },
  ...(index % 5 === 0 ? { error: { name: 'TypeError', message: 'no', fingerprint: 'f' } } : {}),
});

async function withRows(count: number) {
  const app = new Lovage('history', { broker: 'memory://', logger: silentLogger });
  const { history } = await runtimeOf(app).stores.open();
  await history?.append({ rows: Array.from({ length: count }, (_, index) => row(index)), failures: [], minutes: [] });
  return { app, history: new RunHistory(app) };
}

it('pages through both streams in the order of time, each row once', async () => {
  const { app, history } = await withRows(1_234);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await history.list({}, { limit: 100, ...(cursor === undefined ? {} : { cursor }) });
    seen.push(...page.runs.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(Array.from({ length: 1_234 }, (_, index) => `id-${1_233 - index}`));
  await expect(history.list({}, { cursor: 'nonsense' })).rejects.toThrow('cursor');
  await app.close();
});

it('filters by state, task, error and time, and reads so many rows a page at most', async () => {
  const { app, history } = await withRows(30_000);
  const failed = await history.list({ states: ['FAILURE'], task: 'mail.*' }, { limit: 3 });
  expect(failed.runs.map(({ id }) => id)).toEqual(['id-29990', 'id-29980', 'id-29970']);
  expect((await history.list({ error: 'Type*', to: 1_000_011 }, { limit: 9 })).runs).toHaveLength(3);
  expect((await history.list({ from: 1_029_998 })).runs).toHaveLength(2);
  const rare = await history.list({ worker: 'w2' });
  expect(rare).toMatchObject({ runs: [], read: 20_000, cursor: expect.any(String) });
  const rest = await history.list({ worker: 'w2' }, { cursor: rare.cursor as string });
  expect(rest).toEqual({ runs: [], read: 10_000 });
  await app.close();
});

it('marks what is secret in the schemas of arguments and results', async () => {
  const app = new Lovage('secrets', { broker: 'memory://', logger: silentLogger });
  const login = z.object({ user: z.string(), pin: secret(z.string()) });
  app.task({ name: 'login', args: z.tuple([login]), returns: secret(z.string()) }, () => 'x');
  const [task] = await describeTasks(app);
  expect(task?.args).toMatchObject({ prefixItems: [{ properties: { pin: { type: 'string', writeOnly: true } } }] });
  expect(task?.returns).toMatchObject({ writeOnly: true });
  expect(() => secret({})).toThrow('zod 4');
  await app.close();
});
