import { Lovage } from '@lovage/core';
import { Inspector } from '@lovage/core/inspect';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AuditEntry, createDashboard, type DashboardOptions, serveDashboard } from '../src/index.ts';

const token = 'a-token-of-many-characters';
const apps: Lovage[] = [];
const newApp = (): Lovage => {
  const app = new Lovage('shop', { broker: 'memory://', backend: 'memory://' });
  apps.push(app);
  return app;
};
afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())));

function open(options: DashboardOptions = {}) {
  const dashboard = createDashboard(newApp(), { withoutAccess: true, ...options });
  return (path: string, init: RequestInit = {}, host = 'localhost:5555') =>
    dashboard.fetch(new Request(`http://${host}${path}`, init));
}

const act = { method: 'POST', headers: { 'x-lovage': '1' } };

describe('who gets in', () => {
  it('this machine alone without rules', async () => {
    const ask = open();
    expect(await (await ask('/api/me')).json()).toEqual({ name: 'local', role: 'operator', app: 'shop' });
    expect((await ask('/api/me', {}, 'evil.example')).status).toBe(421);
    expect((await ask('/api/me', { headers: { host: 'evil.example' } })).status).toBe(421);
  });

  it('a token, a password, a proxy header, each with its role', async () => {
    const ask = open({
      access: [
        { kind: 'token', token, role: 'viewer' },
        { kind: 'basic', name: 'ann', password: 'correct horse', role: 'operator' },
        { kind: 'proxy', header: 'x-user', operators: ['bob'] },
      ],
    });
    const me = async (headers: Record<string, string>) => {
      const { name, role } = (await (await ask('/api/me', { headers })).json()) as Record<string, unknown>;
      return { name, role };
    };
    expect(await me({ authorization: `Bearer ${token}` })).toEqual({ name: 'token', role: 'viewer' });
    expect(await me({ authorization: `Basic ${btoa('ann:correct horse')}` })).toEqual({
      name: 'ann',
      role: 'operator',
    });
    expect(await me({ 'x-user': 'bob' })).toEqual({ name: 'bob', role: 'operator' });
    expect(await me({ 'x-user': 'eve' })).toEqual({ name: 'eve', role: 'viewer' });
    for (const authorization of ['', 'Bearer ', `Bearer ${token}x`, 'Basic !!', `Basic ${btoa('ann:')}`]) {
      const refused = await ask('/api/now', { headers: { authorization } });
      expect(refused.status, authorization).toBe(401);
      expect(refused.headers.get('www-authenticate')).toContain('Basic');
      expect(refused.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });

  it('nobody by a rule that lets anyone in', () => {
    for (const rule of [
      { kind: 'token', token: '', role: 'viewer' },
      { kind: 'basic', name: '', password: 'correct horse', role: 'viewer' },
      { kind: 'proxy', header: '', operators: [] },
    ] as const)
      expect(() => open({ access: [rule] })).toThrow(TypeError);
  });

  it('nobody without a rule where a server of the user mounts it, and nobody through a proxy', async () => {
    expect(() => createDashboard(newApp())).toThrow('no rule is given');
    expect((await open()('/api/me', { headers: { 'x-forwarded-for': '192.0.2.1' } })).status).toBe(401);
  });

  it('no server that others reach without a rule', async () => {
    await expect(serveDashboard(newApp(), { host: '0.0.0.0', port: 0 })).rejects.toThrow('no access rule is given');
  });
});

describe('what is done', () => {
  it('is refused to viewers, to other sites and without the header', async () => {
    const ask = open({ access: [{ kind: 'token', token, role: 'viewer' }] });
    const local = open();
    const path = '/api/queues/mail/pause';
    const viewer = { method: 'POST', headers: { 'x-lovage': '1', authorization: `Bearer ${token}` } };
    expect((await ask(path, viewer)).status).toBe(403);
    expect((await local(path, { method: 'POST' })).status).toBe(403);
    const foreign = { method: 'POST', headers: { 'x-lovage': '1', 'sec-fetch-site': 'cross-site' } };
    expect((await local(path, foreign)).status).toBe(403);
    expect(await (await local('/api/audit')).json()).toEqual([]);
  });

  it('stands in the audit with its outcome, a failure too', async () => {
    const told: AuditEntry[] = [];
    const ask = open({ onAction: (entry) => told.push(entry) });
    expect((await ask('/api/queues/mail/pause', act)).status).toBe(200);
    vi.spyOn(Inspector.prototype, 'pauseQueue').mockRejectedValueOnce(new Error('no name of a queue'));
    expect((await ask('/api/queues/other/pause', act)).status).toBe(500);
    const entries = await (await ask('/api/audit')).json();
    expect(entries).toEqual([
      expect.objectContaining({ target: 'other', detail: { outcome: 'no name of a queue' } }),
      expect.objectContaining({ who: 'local', action: 'pause queue', target: 'mail', detail: { outcome: 'done' } }),
    ]);
    expect(told.map(({ target, outcome }) => `${target}: ${outcome}`)).toEqual([
      'mail: done',
      'other: no name of a queue',
    ]);
  });
});

describe('what is told', () => {
  it('now: workers, queues, tasks; under the path it is mounted at, by a server', async () => {
    const app = newApp();
    const send = app.task('send', async (_to: string) => undefined);
    await send.delay('ann');
    await using server = await serveDashboard(app, { port: 0, path: '/lovage' });
    const now = await (await fetch(`${server.url}/api/now`)).json();
    expect(now).toMatchObject({ app: 'shop', workers: [], queues: [expect.objectContaining({ waiting: 1 })] });
    const tasks = await (await fetch(`${server.url}/api/tasks`)).json();
    expect(JSON.stringify(tasks)).toContain('send');
    expect((await fetch(new URL('/api/now', server.url))).status).toBe(404);
  });

  it('tells the address that has nothing, and a path that is none', async () => {
    expect((await open()('/nothing')).status).toBe(404);
    expect(() => open({ path: 'lovage' })).toThrow('expected one like "/lovage"');
  });
});
