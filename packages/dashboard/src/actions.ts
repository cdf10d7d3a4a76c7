import type { FailureFilter } from '@lovage/core';
import { Schedules } from '@lovage/core/beat';
import { describeTasks } from '@lovage/core/inspect';
import type { Context, Hono } from 'hono';
import { z } from 'zod';
import type { Env, Parts } from './env.ts';
import { restoreSecrets } from './redact.ts';

type Api = Hono<Env>;

/** A list of JSON values. */
const args = z.array(z.unknown()).max(1_000);
const sendBody = z.strictObject({ args, queue: z.string().min(1).optional(), countdown: z.number().min(0).optional() });
const retryBody = z.strictObject({ args: args.optional() });
const revokeBody = z.strictObject({ terminate: z.boolean().optional() });
const manyBody = z.strictObject({
  /** Of a failure: its id, group, task, error. None means all. */
  filter: z.strictObject({
    ids: z.array(z.string().min(1)).max(1_000).optional(),
    group: z.string().optional(),
    task: z.string().optional(),
    error: z.string().optional(),
    queues: z.array(z.string()).optional(),
  }),
  dryRun: z.boolean().optional(),
  /** At most so many a second. */
  rate: z.number().min(1).max(100_000).optional(),
});
const idsBody = z.strictObject({
  ids: z.array(z.string().min(1)).min(1).max(1_000),
  terminate: z.boolean().optional(),
});
const slotsBody = z.strictObject({ n: z.int().min(1).max(1_000).optional() });
const gateBody = z.strictObject({ value: z.unknown().optional(), reason: z.string().optional() });
const nothing = z.strictObject({});

/** Failures that one request retries or discards, at most: what is left, the next one does. */
const mostAtOnce = 10_000;

interface Action<Body> {
  readonly name: string;
  readonly route: string;
  readonly body: z.ZodType<Body>;
  /** Does it; what it gives is the answer. Undefined: `{}`. */
  readonly act: (target: string, body: Body) => Promise<unknown>;
}

/** The addresses that act: each action is written down with its outcome. */
export function addActions(api: Api, parts: Parts): void {
  const add = <Body>({ name, route, body, act }: Action<Body>): void => {
    api.post(route, async (c) => {
      const target = c.req.param('target') ?? '';
      const given = await readBody(c, body);
      const done = (outcome: string): Promise<void> =>
        parts.record({
          at: Date.now(),
          who: c.get('viewer').name,
          action: name,
          target: target || targetOf(given),
          outcome,
        });
      try {
        const answer = await act(target, given);
        await done(outcomeOf(answer, given));
        return c.json(answer ?? {});
      } catch (error) {
        await done(error instanceof Error ? error.message : String(error));
        throw error;
      }
    });
  };
  addRunActions(add, parts);
  addFailureActions(add, parts);
  addFleetActions(add, parts);
}

type Add = <Body>(action: Action<Body>) => void;

function addRunActions(add: Add, { app, redactor }: Parts): void {
  add({
    ...{ name: 'send', route: '/api/tasks/:target/send', body: sendBody },
    act: async (task, body) => {
      const { queue, countdown } = body;
      const options = { ...(queue ? { queue } : {}), ...(countdown ? { countdown: countdown * 1_000 } : {}) };
      return { id: (await app.sendTask(task, restoreSecrets(body.args, [], []) as unknown[], options)).id };
    },
  });
  add({
    ...{ name: 'retry', route: '/api/runs/:target/retry', body: retryBody },
    act: async (id, body) => {
      if (body.args === undefined) return { id: (await app.failures.retryOne(id)).id };
      const failure = await app.failures.get(id);
      const schema = (await describeTasks(app)).find(({ name }) => name === failure?.task)?.args;
      const hidden = failure && redactor.hide(failure.args, schema);
      const edited = restoreSecrets(body.args, failure?.args, hidden) as unknown[];
      return { id: (await app.failures.retryOne(id, { args: edited })).id };
    },
  });
  add({
    ...{ name: 'discard', route: '/api/runs/:target/discard', body: nothing },
    act: async (id) => ({ count: await app.failures.discard({ ids: [id] }) }),
  });
  add({
    ...{ name: 'revoke', route: '/api/runs/:target/revoke', body: revokeBody },
    act: (id, { terminate = false }) => app.control.revoke(id, { terminate, timeout: 300 }),
  });
  add({
    ...{ name: 'revoke many', route: '/api/runs/revoke', body: idsBody },
    act: async (_target, { ids, terminate = false }) => {
      await app.control.revoke(ids, { terminate, timeout: 300 });
      return { count: ids.length };
    },
  });
}

function addFailureActions(add: Add, { app }: Parts): void {
  add({
    ...{ name: 'retry failures', route: '/api/failures/retry', body: manyBody },
    act: async (_target, { filter, dryRun = false, rate }) => {
      const options = { dryRun, limit: mostAtOnce, ...(rate === undefined ? {} : { rate }) };
      const counts = { sent: 0, refused: 0 };
      const problems = new Set<string>();
      for await (const one of app.failures.retry(toFilter(filter), options)) {
        counts[one.kind] += 1;
        if (one.kind === 'refused' && problems.size < 5) problems.add(one.problem);
      }
      return { ...counts, dryRun, problems: [...problems] };
    },
  });
  add({
    ...{ name: 'discard failures', route: '/api/failures/discard', body: manyBody },
    act: async (_target, { filter, dryRun = false }) => ({
      dryRun,
      count: dryRun ? await app.failures.count(toFilter(filter)) : await app.failures.discard(toFilter(filter)),
    }),
  });
}

function toFilter(given: z.infer<typeof manyBody>['filter']): FailureFilter {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ''));
}

function addFleetActions(add: Add, { app, inspector, sampler }: Parts): void {
  const plain = (name: string, route: string, act: (target: string) => Promise<unknown>): void =>
    add({ name, route, body: nothing, act });
  plain('pause queue', '/api/queues/:target/pause', (queue) => inspector.pauseQueue(queue));
  plain('resume queue', '/api/queues/:target/resume', (queue) => inspector.resumeQueue(queue));
  plain('drain worker', '/api/workers/:target/drain', async (name) => {
    sampler.expectEnd(name);
    return app.control.shutdown({ destination: [name], timeout: 300 });
  });
  add({
    ...{ name: 'grow worker', route: '/api/workers/:target/grow', body: slotsBody },
    act: (name, { n = 1 }) => app.control.poolGrow(n, { destination: [name], timeout: 300 }),
  });
  add({
    ...{ name: 'shrink worker', route: '/api/workers/:target/shrink', body: slotsBody },
    act: (name, { n = 1 }) => app.control.poolShrink(n, { destination: [name], timeout: 300 }),
  });
  plain('pause schedule', '/api/schedules/:target/pause', (name) => new Schedules(app).pause(name));
  plain('resume schedule', '/api/schedules/:target/resume', (name) => new Schedules(app).resume(name));
  plain('run schedule', '/api/schedules/:target/run', async (name) => ({
    id: (await new Schedules(app).run(name)).id,
  }));
  plain('cancel workflow', '/api/workflows/:target/cancel', (id) => app.run(id).cancel('cancelled on the dashboard'));
  plain('retry workflow', '/api/workflows/:target/retry', (id) => app.run(id).retry());
  add({
    ...{ name: 'resolve gate', route: '/api/gates/:target/resolve', body: gateBody },
    act: (id, { value = null }) => app.resolveGate(id, value),
  });
  add({
    ...{ name: 'reject gate', route: '/api/gates/:target/reject', body: gateBody },
    act: (id, { reason }) => app.rejectGate(id, reason || 'rejected on the dashboard'),
  });
}

/** Throws a TypeError that names the field. */
async function readBody<Body>(c: Context<Env>, schema: z.ZodType<Body>): Promise<Body> {
  const text = await c.req.text();
  let value: unknown = {};
  try {
    if (text !== '') value = JSON.parse(text);
  } catch (error) {
    throw new TypeError('the body is no JSON', { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`);
  throw new TypeError(issues.join('; '));
}

/** What an action without a target in its address was done to. */
function targetOf(body: unknown): string {
  const { ids, filter } = body as { readonly ids?: readonly string[]; readonly filter?: object };
  return ids
    ? ids.slice(0, 3).join(', ') + (ids.length > 3 ? ` and ${ids.length - 3} more` : '')
    : JSON.stringify(filter ?? {});
}

/** `done`, or what it came to. */
function outcomeOf(answer: unknown, body: unknown): string {
  const { dryRun } = (body ?? {}) as { readonly dryRun?: boolean };
  const numbers = Object.entries((answer ?? {}) as object).filter(([, value]) => typeof value === 'number');
  const said = numbers.map(([name, value]) => `${value} ${name}`).join(', ') || 'done';
  return dryRun ? `dry run: ${said}` : said;
}
