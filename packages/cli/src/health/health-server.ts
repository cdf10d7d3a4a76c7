import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '@lovage/core';
import { CommandError } from '../exit-code.ts';
import { readPort } from '../options/read-port.ts';
import { oneLine } from '../output/print.ts';
import { redact } from '../output/redact.ts';
import type { Page } from './metrics-source.ts';
import type { Health, Probe } from './readiness.ts';

/** The paths of the probes, as Kubernetes and its kin call them. */
export const probePaths: Readonly<Record<Probe, string>> = { live: '/livez', ready: '/readyz', startup: '/startupz' };

/** Where a health server listens. */
export interface HealthAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** A running health server. */
export interface HealthServer {
  readonly port: number;
  close(): void;
}

/** Serves the probes: 200 when well, 503 with the reason when not. Throws a {@link CommandError} when it cannot listen. */
export async function startHealthServer(
  { host, port }: HealthAddress,
  answer: (probe: Probe) => Promise<Health>,
  page: (url: URL) => Promise<Page | undefined> = async () => undefined,
): Promise<HealthServer> {
  const server = createServer((request, response) => void serve(request, response, { health: answer, page })); // never rejects
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CommandError(`cannot serve health on ${host} port ${port}`, { exitCode: 1, cause: error });
  }
  return { port: (server.address() as AddressInfo).port, close: () => end(server) };
}

/** What a health server answers with. */
export interface HealthAnswers {
  readonly health: (probe: Probe) => Promise<Health>;
  readonly page: (url: URL) => Promise<Page | undefined>;
}

/** Serves the probes where `--health-port` asks for it. */
export async function serveHealth(
  { healthPort, healthHost = '127.0.0.1' }: { readonly healthPort?: string; readonly healthHost?: string },
  { health, page }: HealthAnswers,
  logger: Logger,
): Promise<HealthServer | undefined> {
  if (healthPort === undefined) return undefined;
  const address = { host: healthHost, port: readPort(healthPort, '--health-port') };
  const server = await startHealthServer(address, health, page);
  logger.info('serving health', { host: healthHost, port: server.port });
  return server;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { health: answer, page }: HealthAnswers,
): Promise<void> {
  const url = new URL(`http://localhost/${(request.url ?? '').replace(/^\/+/, '')}`);
  const path = url.pathname;
  const [probe] = Object.entries(probePaths).find(([, candidate]) => candidate === path) ?? [];
  const other = probe === undefined && request.method === 'GET' ? await page(url) : undefined;
  if (other) {
    response.writeHead(other.status, { 'content-type': other.type, 'cache-control': 'no-store' });
    response.end(other.body);
    return;
  }
  if (probe === undefined) return reply(response, 404, { ok: false, reason: 'there is no such probe' });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return reply(response, 405, { ok: false, reason: 'probes are read with GET' });
  const health = await answer(probe as Probe);
  reply(response, health.ok ? 200 : 503, health);
}

function reply(response: ServerResponse, status: number, { ok, reason }: Health): void {
  const body = JSON.stringify({ ok, ...(reason === undefined ? {} : { reason: redact(oneLine(reason)) }) });
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${body}\n`);
}

function end(server: Server): void {
  server.close();
  server.closeAllConnections();
}
