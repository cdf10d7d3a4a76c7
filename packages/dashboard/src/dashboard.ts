import type { Lovage } from '@lovage/core';
import { describeTasks, diagnose, Inspector, taskStats } from '@lovage/core/inspect';
import { Hono, type MiddlewareHandler } from 'hono';
import { type Access, assertAccess, identify, isLoopback, type Viewer } from './access.ts';
import { Audit, type AuditEntry } from './audit.ts';

/** How a dashboard is reached and by whom. */
export interface DashboardOptions {
  /** Who gets in; at least one rule, unless `withoutAccess`. @default [] */
  readonly access?: readonly Access[];
  /**
   * Lets whoever reaches it act, without a rule: for a server that only this machine reaches. What a proxy passes on is refused.
   * @default false
   */
  readonly withoutAccess?: boolean;
  /** Names that a request's Host header may have besides `localhost`, `127.0.0.1` and `[::1]`; without port. @default [] */
  readonly hosts?: readonly string[];
  /** The path under which it is mounted, as `/lovage`. @default '' */
  readonly path?: string;
  /** Is told each action, for a log that lasts; the dashboard itself keeps the latest 1,000 in memory. */
  readonly onAction?: (entry: AuditEntry) => void;
}

/** Answers HTTP requests about an app. */
export interface Dashboard {
  /** For Hono, Deno, Bun and all that speaks Request and Response. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>;
}

type Api = Hono<Env>;

interface Env {
  Variables: { viewer: Viewer };
}

const headers = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** A dashboard of an app. Throws a TypeError for access rules that would let anyone in, and for a path without a leading slash. */
export function createDashboard(app: Lovage, options: DashboardOptions = {}): Dashboard {
  const { access = [], path = '', onAction } = options;
  assertAccess(access);
  if (access.length === 0 && !options.withoutAccess)
    throw new TypeError('dashboard: access: no rule is given: give a token, a password or the header of a proxy');
  if (path !== '' && !/^(\/[\w.-]+)+$/.test(path))
    throw new TypeError(`dashboard: path: expected one like "/lovage", received ${JSON.stringify(path)}`);
  const inspector = new Inspector(app);
  const audit = new Audit(1_000, onAction);
  const api = new Hono<Env>().basePath(path);

  api.use('*', async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
  });
  api.use('*', guard(options));
  addViews(api, app, inspector, audit);
  addActions(api, app, inspector, audit);
  api.notFound((c) => c.json({ error: 'there is nothing at this address' }, 404));
  api.onError((error, c) => c.json({ error: messageOf(error) }, 500));
  return { fetch: async (request) => api.fetch(request) };
}

/** A Host header's name, without its port. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Lets in whom the rules know, and lets act who may. */
function guard({ access = [], hosts = [], withoutAccess = false }: DashboardOptions): MiddlewareHandler<Env> {
  const open = withoutAccess && access.length === 0;
  const basic = access.some(({ kind }) => kind === 'basic');
  return async (c, next) => {
    const host = hostName(c.req.header('host') ?? new URL(c.req.url).host);
    if (!isLoopback(host) && !hosts.includes(host))
      return c.json({ error: "this host is not one of the dashboard's: add it to `hosts`" }, 421);
    const viewer = open ? localViewer(c.req.raw.headers) : identify(access, c.req.raw.headers);
    if (!viewer) {
      if (basic) c.header('www-authenticate', 'Basic realm="lovage", charset="UTF-8"');
      return c.json({ error: 'who are you? no access rule knows this request' }, 401);
    }
    const refusal = c.req.method === 'GET' ? undefined : refuseAction(viewer, c.req.raw.headers);
    if (refusal !== undefined) return c.json({ error: refusal }, 403);
    c.set('viewer', viewer);
    return next();
  };
}

function localViewer(given: Headers): Viewer | undefined {
  const passedOn = given.has('forwarded') || given.has('x-forwarded-for');
  return passedOn ? undefined : { name: 'local', role: 'operator' };
}

/** Pages of other sites cannot send this header without a preflight, which is not answered. */
function refuseAction({ role }: Viewer, given: Headers): string | undefined {
  const site = given.get('sec-fetch-site') ?? 'same-origin';
  if (given.get('x-lovage') !== '1' || (site !== 'same-origin' && site !== 'none'))
    return 'an action needs the header "x-lovage: 1" and comes from no other site';
  return role === 'operator' ? undefined : 'a viewer looks and does not act';
}

function addViews(api: Api, app: Lovage, inspector: Inspector, audit: Audit): void {
  api.get('/api/now', async (c) => {
    const [status, tasks] = await Promise.all([inspector.status(), taskStats(app)]);
    const ages = await inspector.oldest(status.queues.map(({ queue }) => queue));
    const queues = status.queues.map((counts, index) => ({ ...counts, oldest: ages[index] }));
    return c.json({ at: Date.now(), app: app.name, workers: status.workers, queues, tasks });
  });
  api.get('/api/me', (c) => c.json(c.get('viewer')));
  api.get('/api/tasks', async (c) => c.json(await describeTasks(app)));
  api.get('/api/broker', async (c) => c.json(await diagnose(app)));
  api.get('/api/audit', (c) => c.json(audit.list()));
}

function addActions(api: Api, app: Lovage, inspector: Inspector, audit: Audit): void {
  const action = (name: string, route: string, act: (target: string) => Promise<unknown>): void => {
    api.post(route, async (c) => {
      const target = c.req.param('target') ?? '';
      const record = (outcome: string): void =>
        audit.add({ at: Date.now(), who: c.get('viewer').name, action: name, target, outcome });
      try {
        await act(target);
      } catch (error) {
        record(messageOf(error));
        throw error;
      }
      record('done');
      return c.json({ done: name, target });
    });
  };
  action('pause queue', '/api/queues/:target/pause', (queue) => inspector.pauseQueue(queue));
  action('resume queue', '/api/queues/:target/resume', (queue) => inspector.resumeQueue(queue));
  action('drain worker', '/api/workers/:target/drain', (name) => app.control.shutdown({ destination: [name] }));
  action('revoke task', '/api/runs/:target/revoke', (id) => app.control.revoke([id]));
}
