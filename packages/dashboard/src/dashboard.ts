import { type Lovage, LovageError } from '@lovage/core';
import { Inspector, RunHistory } from '@lovage/core/inspect';
import { Hono, type MiddlewareHandler } from 'hono';
import { type Access, assertAccess, identify, isLoopback, type Viewer } from './access.ts';
import { addActions } from './actions.ts';
import type { AuditEntry } from './audit.ts';
import type { Env } from './env.ts';
import { addPages } from './pages.ts';
import { Redactor } from './redact.ts';
import { Sampler } from './sampler.ts';
import { addViews } from './views.ts';

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
  /** Fields of arguments and results that are not shown, besides those whose names say it (`password`, `token`, …). @default [] */
  readonly redact?: readonly string[];
  /** Is told each action as well, for a log of your own. The app's history keeps the latest 10,000. */
  readonly onAction?: (entry: AuditEntry) => void;
}

/** Answers HTTP requests about an app. */
export interface Dashboard {
  /** For Hono, Deno, Bun and all that speaks Request and Response. Never rejects. */
  readonly fetch: (request: Request) => Promise<Response>;
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
  const parts = {
    app,
    inspector: new Inspector(app),
    history: new RunHistory(app),
    sampler: new Sampler(app),
    redactor: new Redactor(options.redact),
    record: async (entry: AuditEntry) => {
      onAction?.(entry);
      const { outcome, ...rest } = entry;
      await parts.history.audit({ ...rest, detail: { outcome } });
    },
  };
  const api = new Hono<Env>().basePath(path);
  api.use('*', async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(headers)) if (!c.res.headers.has(name)) c.header(name, value);
  });
  api.use('*', checkHost(options));
  addPages(api, path);
  api.use('/api/*', guard(options));
  addViews(api, parts);
  addActions(api, parts);
  api.notFound((c) => c.json({ error: 'there is nothing at this address' }, 404));
  api.onError((error, c) => c.json({ error: messageOf(error) }, statusOf(error)));
  return { fetch: async (request) => api.fetch(request) };
}

/** A Host header's name, without its port. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the caller did wrong, what is not there (any more), what did not answer; else a fault. */
function statusOf(error: unknown): 400 | 404 | 409 | 500 | 501 | 503 {
  if (error instanceof TypeError) return 400;
  if (!(error instanceof LovageError)) return 500;
  const { code } = error;
  if (code.endsWith('UNAVAILABLE')) return 503;
  if (code === 'NOT_SUPPORTED') return 501;
  if (code.includes('UNKNOWN')) return 404;
  return code.includes('VALIDATION') || code.includes('CONFIG') || code.includes('PAYLOAD') ? 400 : 409;
}

/** A name of somebody else that points here reads nothing. */
function checkHost({ hosts = [] }: DashboardOptions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const host = hostName(c.req.header('host') ?? new URL(c.req.url).host);
    if (isLoopback(host) || hosts.includes(host)) return next();
    return c.json({ error: "this host is not one of the dashboard's: add it to `hosts`" }, 421);
  };
}

/** Lets in whom the rules know, and lets act who may. */
function guard({ access = [], withoutAccess = false }: DashboardOptions): MiddlewareHandler<Env> {
  const open = withoutAccess && access.length === 0;
  const basic = access.some(({ kind }) => kind === 'basic');
  return async (c, next) => {
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
