import type { Access, ServeOptions } from '@lovage/dashboard';
import type { GlobalArguments } from '../command.ts';
import { type ExitCode, usageError } from '../exit-code.ts';
import { readPort } from '../options/read-port.ts';
import { printData, printNote } from '../output/print.ts';
import { untilSignal } from '../signal-watch.ts';
import { withApp } from './with-app.ts';

/** What `lovage dashboard` was given. */
export interface DashboardArguments extends GlobalArguments {
  readonly host?: string;
  readonly port?: string;
  readonly path?: string;
  readonly hosts?: string;
  readonly token?: string;
  readonly viewerToken?: string;
  readonly user?: string;
  readonly proxyHeader?: string;
  readonly operators?: string;
  readonly redact?: string;
}

/** Serves the dashboard until a signal. Wrong options are told before it listens. */
export function runDashboard(given: DashboardArguments): Promise<ExitCode> {
  const options = readDashboardOptions(given, process.env);
  return withApp(given, async ({ app, location }) => {
    const { serveDashboard } = await import('@lovage/dashboard');
    const server = await serveDashboard(app, options).catch((error: unknown) => {
      if (error instanceof TypeError) throw usageError(error.message, { cause: error });
      throw error;
    });
    if (location === undefined)
      printNote('no app: tasks are shown by name only; -A ./tasks.ts adds signatures, forms and schedules');
    printData(server.url);
    await untilSignal();
    await server.close();
    return 0;
  });
}

/** Options as `serveDashboard` takes them. Secrets may come from the environment, where other users of the machine do not see them. */
export function readDashboardOptions(
  given: DashboardArguments,
  env: Readonly<Record<string, string | undefined>>,
): ServeOptions {
  const { host, port, path, hosts, redact } = given;
  return {
    access: accessOf(given, env),
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: readPort(port, '--port') }),
    ...(path === undefined ? {} : { path: path.replace(/\/+$/, '') }),
    hosts: listOf(hosts),
    redact: listOf(redact),
  };
}

function accessOf(given: DashboardArguments, env: Readonly<Record<string, string | undefined>>): readonly Access[] {
  const token = given.token ?? env['LOVAGE_DASHBOARD_TOKEN'];
  const viewerToken = given.viewerToken ?? env['LOVAGE_DASHBOARD_VIEWER_TOKEN'];
  const { user, proxyHeader } = given;
  const password = env['LOVAGE_DASHBOARD_PASSWORD'];
  if (user !== undefined && !password)
    throw usageError('--user: its password is taken from LOVAGE_DASHBOARD_PASSWORD, which is not set');
  if (given.operators !== undefined && proxyHeader === undefined)
    throw usageError('--operators: names in a header of your proxy: give --proxy-header too');
  return [
    ...(token ? [{ kind: 'token', token, role: 'operator' } as const] : []),
    ...(viewerToken ? [{ kind: 'token', token: viewerToken, role: 'viewer' } as const] : []),
    ...(user !== undefined && password ? [{ kind: 'basic', name: user, password, role: 'operator' } as const] : []),
    ...(proxyHeader === undefined
      ? []
      : [{ kind: 'proxy', header: proxyHeader, operators: listOf(given.operators) } as const]),
  ];
}

function listOf(text: string | undefined): readonly string[] {
  return (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
