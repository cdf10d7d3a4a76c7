import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Hono } from 'hono';
import type { Env } from './env.ts';

/** Where the build puts the pages; the same from `src` and from `dist`. */
const folder = new URL('../dist/ui/', import.meta.url);

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The pages' own scripts, styles and images, and this server's answers; nothing from elsewhere, nothing inline. */
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const notBuilt =
  '<!doctype html><title>Lovage</title><p>The pages of the dashboard are not built: run <code>npm run build</code>.</p>';

/** Gives out the built pages. They hold no data: what is told of an app, and to whom, is the API's matter. */
export function addPages(api: Hono<Env>, path: string): void {
  api.use('*', async (c, next) => {
    const { pathname } = new URL(c.req.url);
    if (c.req.method === 'GET' && pathname === `${path}/`) return give('index.html');
    if (pathname === path) return c.redirect(`${path}/`); // so that the page's own addresses are relative to it
    return next();
  });
  api.get('/assets/:file{[\\w.-]+}', (c) => give(`assets/${c.req.param('file')}`));
}

async function give(file: string): Promise<Response> {
  const type = types[file.split('.').at(-1) ?? ''];
  const body = await read(file);
  const page = file === 'index.html';
  if (type === undefined || (body === undefined && !page))
    return Response.json({ error: 'there is nothing at this address' }, { status: 404 });
  return new Response(body ?? notBuilt, {
    headers: {
      'content-type': type,
      'content-security-policy': pagePolicy,
      'cache-control': page ? 'no-cache' : 'public, max-age=31536000, immutable',
    },
  });
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await readFile(fileURLToPath(new URL(file, folder))));
  } catch {
    return undefined;
  }
}
