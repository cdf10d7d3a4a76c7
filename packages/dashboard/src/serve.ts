import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Lovage } from '@lovage/core';
import { isLoopback } from './access.ts';
import { createDashboard, type Dashboard, type DashboardOptions } from './dashboard.ts';

/** Where a dashboard listens. */
export interface ServeOptions extends DashboardOptions {
  /** The address to listen on. Any but this machine's own needs `access`. @default '127.0.0.1' */
  readonly host?: string;
  /** 0 takes a free one. @default 5555 */
  readonly port?: number;
}

/** A dashboard that listens. */
export interface RunningDashboard extends AsyncDisposable {
  readonly url: string;
  close(): Promise<void>;
}

/** A handler for `node:http`, Express and Fastify. The path must be the one it is mounted under. */
export function nodeHandler(dashboard: Dashboard): RequestListener {
  return getRequestListener(dashboard.fetch, { overrideGlobalObjects: false });
}

/**
 * Serves a dashboard by itself. Throws a TypeError when others than this machine could reach it and no access rule is given, and
 * what `listen` throws, as when the port is taken.
 */
export async function serveDashboard(app: Lovage, options: ServeOptions = {}): Promise<RunningDashboard> {
  const { host = '127.0.0.1', port = 5555, access = [], path = '' } = options;
  if (!isLoopback(host) && access.length === 0)
    throw new TypeError(
      `dashboard: ${host} is reached from other machines, and no access rule is given: give a token, a password or a proxy's header, or listen on 127.0.0.1`,
    );
  const server = createServer(nodeHandler(createDashboard(app, { ...options, withoutAccess: isLoopback(host) })));
  server.listen(port, host);
  await once(server, 'listening'); // throws what 'error' brings
  const { port: taken } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}${path}`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * As {@link serveDashboard}, on the next free port when the wanted one is taken, ended with the app's process: what `lovage dev` starts.
 */
export async function startDashboard(app: Lovage, options: ServeOptions = {}): Promise<RunningDashboard> {
  const { port = 5555 } = options;
  for (let tries = 0; ; tries += 1) {
    try {
      return await serveDashboard(app, { ...options, port: port === 0 ? 0 : port + tries });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries >= 20) throw error;
    }
  }
}
