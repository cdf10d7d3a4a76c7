import { type FailedTask, LovageError } from '@lovage/core';
import { Schedules } from '@lovage/core/beat';
import {
  describeRun,
  describeTasks,
  diagnose,
  graphOf,
  measureCapacity,
  type RunFilter,
  type RunState,
} from '@lovage/core/inspect';
import type { Context, Hono } from 'hono';
import type { Env, Parts } from './env.ts';
import { addLive } from './live.ts';

type Api = Hono<Env>;
type Query = Context<Env>;

const states: readonly RunState[] = ['SUCCESS', 'FAILURE', 'RETRY', 'REVOKED'];
/** Rows of a page, at most. */
const mostRows = 200;

/** The addresses that tell, and change nothing. */
export function addViews(api: Api, parts: Parts): void {
  api.get('/api/me', (c) => c.json({ ...c.get('viewer'), app: parts.app.name }));
  api.get('/api/now', async (c) => c.json(await parts.sampler.look()));
  addLive(api, parts);
  addRuns(api, parts);
  addQueues(api, parts);
  addOthers(api, parts);
}

function addRuns(api: Api, { app, history, redactor }: Parts): void {
  api.get('/api/runs', async (c) => {
    const cursor = c.req.query('cursor');
    const limit = wholeQuery(c, 'limit', 50, mostRows);
    return c.json(await history.list(readRunFilter(c), { limit, ...(cursor ? { cursor } : {}) }));
  });
  api.get('/api/minutes', async (c) => {
    const { task, queue } = c.req.query();
    const count = wholeQuery(c, 'count', 60, 1_440);
    return c.json(await history.minutes(count, { ...(task ? { task } : {}), ...(queue ? { queue } : {}) }));
  });
  api.get('/api/runs/:id', async (c) => {
    const [run, tasks] = await Promise.all([describeRun(app, c.req.param('id')), describeTasks(app)]);
    const name = run.record?.task || run.message?.task || run.failure?.task || run.attempts[0]?.task;
    const schema = tasks.find((task) => task.name === name);
    const { record, message, failure } = run;
    const args = message?.args ?? failure?.args;
    return c.json({
      ...run,
      task: name,
      args: args === undefined ? undefined : redactor.hide(args, schema?.args),
      schema: schema?.args,
      record: record && hideRecord(record, schema?.returns),
      message: message && redactor.hide({ ...message, args: undefined }),
      failure: failure && hideFailure(failure, schema?.args),
    });
  });
  api.get('/api/runs/:id/graph', async (c) => c.json(await graphOf(app, c.req.param('id'))));
  api.get('/api/failures', async (c) => c.json(await app.failures.groups()));
  api.get('/api/failures/:group', async (c) => {
    const group = c.req.param('group');
    const [groups, list] = await Promise.all([app.failures.groups(), app.failures.list({ group, limit: 50 })]);
    const tasks = await describeTasks(app);
    const failures = list.map((one) => hideFailure(one, tasks.find(({ name }) => name === one.task)?.args));
    return c.json({ group: groups.find(({ fingerprint }) => fingerprint === group), failures });
  });

  const hideRecord = (record: object, returns: unknown): object => {
    const { value, plan: _plan, ...rest } = record as { readonly value?: unknown; readonly plan?: unknown };
    const shown = redactor.hide(rest) as object;
    return value === undefined ? shown : { ...shown, value: redactor.hide(value, returns) };
  };
  /** Its message is left out: it holds the arguments as they are. */
  const hideFailure = ({ message: _message, ...failure }: FailedTask, args: unknown): object => ({
    ...failure,
    args: redactor.hide(failure.args, args),
  });
}

function addQueues(api: Api, { app, inspector, history, redactor }: Parts): void {
  api.get('/api/queues/:name', async (c) => {
    const name = c.req.param('name');
    const [counts, tasks, minutes, dead] = await Promise.all([
      inspector.queues([name]),
      describeTasks(app),
      history.minutes(60, { queue: name }),
      inspector.deadLetters(name, 20),
    ]);
    const next = await inspector.peek(name, { limit: 20 }).catch(unsupported);
    const hidden = next?.map((one) => ({
      ...one,
      args: redactor.hide(one.args, tasks.find((task) => task.name === one.task)?.args),
    }));
    const letters = dead.map(({ body: _body, ...letter }) => letter); // its bytes hold arguments
    return c.json({ counts: counts[0], next: hidden, minutes, dead: letters });
  });
  api.get('/api/queues/:name/capacity', async (c) => {
    const over = `${wholeQuery(c, 'seconds', 5, 30)}s` as const;
    return c.json(await measureCapacity(app, c.req.param('name'), { over }));
  });
}

function addOthers(api: Api, { app, history, redactor }: Parts): void {
  api.get('/api/tasks', async (c) => c.json(await describeTasks(app)));
  api.get('/api/broker', async (c) => c.json(await diagnose(app)));
  api.get('/api/audit', async (c) => c.json(await history.audits(wholeQuery(c, 'limit', 200, 1_000))));
  api.get('/api/schedules', async (c) => {
    const schedules = new Schedules(app);
    const list = await schedules.list();
    const next = await Promise.all(
      list.map(({ name, state }) => (state === 'active' ? schedules.next(name, 20).catch(() => []) : [])),
    );
    return c.json(
      list.map(({ signature, ...entry }, index) => ({
        ...entry,
        signature: redactor.hide(signature),
        next: next[index],
      })),
    );
  });
  api.get('/api/workflows', async (c) => {
    const runs = await app.workflows.list({ limit: 100 }).catch(unsupported);
    return c.json(
      (runs ?? []).map(({ id, name, version, state, queue, createdAt, updatedAt, wakeAt, note }) => ({
        ...{ id, name, version, state, queue, createdAt, updatedAt, wakeAt, note },
      })),
    );
  });
  api.get('/api/workflows/:id', async (c) => {
    const run = app.run(c.req.param('id'));
    const [status, steps] = await Promise.all([run.status(), run.timeline()]);
    return c.json(redactor.hide(jsonOf({ status, steps })));
  });
  api.get('/api/waiting', async (c) => {
    const [gates, groups, halted, stamps] = await Promise.all([
      app.gates.list().catch(unsupported),
      app.topics.groups().catch(unsupported),
      app.control.haltedKeys().catch(unsupported),
      app.control.stampedRevocations().catch(unsupported),
    ]);
    return c.json(redactor.hide(jsonOf({ gates, groups, halted, stamps })));
  });
}

/** Dates become text, as they would on their way. */
function jsonOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** A broker that cannot tell is shown as one; other errors are told. */
function unsupported(error: unknown): undefined {
  if (error instanceof LovageError && error.code === 'NOT_SUPPORTED') return undefined;
  throw error;
}

/** The filter of a request: unknown states are left out, empty fields mean all. */
export function readRunFilter(c: Query): RunFilter {
  const { state = '', task, queue, worker, tag, error, id, from, to } = c.req.query();
  const wanted = states.filter((one) => state.split(',').includes(one));
  const texts = Object.entries({ task, queue, worker, tag, error, id }).filter(([, text]) => text);
  const times = Object.entries({ from, to }).filter(([, text]) => text && Number.isFinite(Number(text)));
  return {
    ...(wanted.length > 0 ? { states: wanted } : {}),
    ...Object.fromEntries(texts),
    ...Object.fromEntries(times.map(([name, text]) => [name, Number(text)])),
  };
}

function wholeQuery(c: Query, name: string, usual: number, most: number): number {
  const value = Number(c.req.query(name) ?? usual);
  return Number.isSafeInteger(value) && value > 0 ? Math.min(value, most) : usual;
}
