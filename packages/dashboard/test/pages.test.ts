import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Lovage } from '@lovage/core';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { createDashboard, nodeHandler } from '../src/index.ts';

const token = 'a-token-of-many-characters';
const folder = fileURLToPath(new URL('../dist/ui/', import.meta.url));

it('are built, and small', () => {
  expect(existsSync(`${folder}index.html`), 'run `npm run build` first').toBe(true);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.\w+$/.test(file));
  const sizes = files.map((file) => gzipSync(readFileSync(`${folder}${file}`)).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
});

it('have nothing inline, so that the content security policy holds', () => {
  const page = readFileSync(`${folder}index.html`, 'utf8');
  expect(page).toMatch(/<script type="module"[^>]* src="\.\/assets\/[\w.-]+"/);
  expect(page).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son\w+=/);
});

it('are given out under the path of the dashboard, without leaving its folder', async () => {
  const app = new Lovage('pages', { broker: 'memory://' });
  const dashboard = createDashboard(app, { withoutAccess: true, path: '/lovage' });
  const ask = (path: string) => dashboard.fetch(new Request(`http://localhost${path}`));
  const bare = await ask('/lovage');
  expect([bare.status, bare.headers.get('location')]).toEqual([302, '/lovage/']);
  const page = await ask('/lovage/');
  expect(page.headers.get('content-type')).toContain('text/html');
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toContain('unsafe');
  const [, script = ''] = /src="\.(\/assets\/[\w.-]+)"/.exec(await page.text()) ?? [];
  expect((await ask(`/lovage${script}`)).headers.get('content-type')).toContain('javascript');
  for (const path of ['/lovage/assets/..%2f..%2findex.js', '/lovage/assets/nothing.js', '/lovage/assets/x.html', '/'])
    expect((await ask(path)).status, path).toBe(404);
  await app.close();
});

it('are mounted under a path of a Hono app, and of a node:http server as Express has it', async () => {
  const app = new Lovage('mounted', { broker: 'memory://' });
  const dashboard = createDashboard(app, { path: '/admin/tasks', access: [{ kind: 'token', token, role: 'viewer' }] });
  const own = new Hono().get('/', (c) => c.text('own')).all('/admin/tasks/*', (c) => dashboard.fetch(c.req.raw));
  expect((await own.request('http://localhost/admin/tasks/')).headers.get('content-type')).toContain('text/html');
  const headers = { authorization: `Bearer ${token}` };
  expect(await (await own.request('http://localhost/admin/tasks/api/me', { headers })).json()).toMatchObject({
    role: 'viewer',
  });
  expect(await (await own.request('http://localhost/')).text()).toBe('own');

  const handler = nodeHandler(dashboard);
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/admin/tasks')) handler(request, response);
    else response.end('own');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const page = await fetch(`http://127.0.0.1:${port}/admin/tasks`);
  expect([page.status, page.url.endsWith('/admin/tasks/')]).toEqual([200, true]);
  expect((await fetch(`http://127.0.0.1:${port}/admin/tasks/api/me`)).status).toBe(401);
  server.close();
  await app.close();
});
