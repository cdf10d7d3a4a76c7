import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { GlobalArguments } from '../../command.ts';
import { CommandError, type ExitCode, usageError } from '../../exit-code.ts';
import { probePaths } from '../../health/health-server.ts';
import type { Probe } from '../../health/readiness.ts';
import { readDuration } from '../../options/read-duration.ts';
import { readPort } from '../../options/read-port.ts';
import { printData, printJson } from '../../output/print.ts';

/** What `lovage health` was given. */
export interface HealthArguments extends GlobalArguments {
  readonly port: string;
  readonly host?: string;
  readonly probe?: string;
  readonly timeout?: string;
}

const usualTimeout = 5_000;

/** Asks a worker's health server; exit 1 when the worker is not well or does not answer. */
export async function checkHealth(given: HealthArguments): Promise<ExitCode> {
  const { host = '127.0.0.1', json } = given;
  const port = readPort(given.port, '--port');
  const probe = readProbe(given.probe ?? 'ready');
  const timeout = readDuration(given.timeout, '--timeout') ?? usualTimeout;
  const { status, body } = await ask({ host, port, path: probePaths[probe] }, timeout);
  const health = parse(body);
  if (health === undefined) throw new CommandError(`${host} port ${port} is no worker's health port`, { exitCode: 1 });
  if (json) printJson(health);
  if (status !== 200) throw new CommandError(`${probe}: ${health.reason ?? status}`, { exitCode: 1 });
  if (!json) printData('ok');
  return 0;
}

function readProbe(text: string): Probe {
  if (text in probePaths) return text as Probe;
  throw usageError(`--probe: expected ready, live or startup, received "${text}"`);
}

async function ask(
  where: { readonly host: string; readonly port: number; readonly path: string },
  timeout: number,
): Promise<{ readonly status: number; readonly body: string }> {
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ ...where, signal: AbortSignal.timeout(timeout) }, resolve).once('error', reject);
    });
    return { status: response.statusCode ?? 0, body: await text(response) };
  } catch (error) {
    const late = (error as { cause?: { name?: string } }).cause?.name === 'TimeoutError';
    const message = `no health server answers on ${where.host} port ${where.port}`;
    throw new CommandError(late ? `${message} within ${timeout} ms` : message, { exitCode: 1, cause: error });
  }
}

function parse(body: string): { readonly ok: boolean; readonly reason?: string } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'ok' in value) return value as { ok: boolean; reason?: string };
  } catch {
    // some other server
  }
  return undefined;
}
