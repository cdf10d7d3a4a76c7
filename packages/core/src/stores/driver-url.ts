import type { Driver } from '../driver/driver.ts';
import { BrokerUrlError, NotSupportedError, UnknownSchemeError } from '../errors.ts';
import { loadDriverModule } from './driver-loaders.ts';

/** Where the drivers of the known schemes live. They are loaded when a URL first names them, never before. */
const packages: Readonly<Record<string, string>> = {
  redis: '@lovage/redis',
  rediss: '@lovage/redis',
  'redis+sentinel': '@lovage/redis',
  'rediss+sentinel': '@lovage/redis',
  'redis+cluster': '@lovage/redis',
  'rediss+cluster': '@lovage/redis',
  'redis+streams': '@lovage/redis',
  'rediss+streams': '@lovage/redis',
  'redis+streams+sentinel': '@lovage/redis',
  'rediss+streams+sentinel': '@lovage/redis',
  'redis+streams+cluster': '@lovage/redis',
  'rediss+streams+cluster': '@lovage/redis',
  'celery+redis': '@lovage/celery',
  'celery+rediss': '@lovage/celery',
  'celery+redis+sentinel': '@lovage/celery',
  'celery+rediss+sentinel': '@lovage/celery',
  'celery+amqp': '@lovage/celery',
  'celery+amqps': '@lovage/celery',
  postgres: '@lovage/postgres',
  postgresql: '@lovage/postgres',
};

const knownSchemes = ['memory', ...Object.keys(packages)];

/** The scheme of a URL, without the colon. Throws {@link BrokerUrlError}. */
export function schemeOf(url: string): string {
  const match = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url);
  if (match) return (match[1] as string).toLowerCase();
  throw new BrokerUrlError(
    `"${hideSecret(url)}" is not a broker URL: expected one such as redis://localhost:6379/0 or memory://`,
  );
}

/** Throws {@link UnknownSchemeError} unless some driver answers for the URL; loads nothing. */
export function checkScheme(url: string, extra: readonly Driver[]): void {
  const scheme = schemeOf(url);
  if (knownSchemes.includes(scheme) || extra.some((driver) => driver.schemes.includes(scheme))) return;
  throw new UnknownSchemeError(
    `no driver for "${scheme}://": known schemes are ${knownSchemes.map((name) => `${name}://`).join(', ')}; ` +
      'another one needs its driver in the option drivers',
  );
}

/** The driver of a URL. Throws {@link UnknownSchemeError}; says which package to install when it is missing. */
export async function loadDriver(url: string, extra: readonly Driver[]): Promise<Driver> {
  checkScheme(url, extra);
  const scheme = schemeOf(url);
  const given = extra.find((driver) => driver.schemes.includes(scheme));
  if (given) return given;
  if (scheme === 'memory') return (await import('../driver/memory/memory-driver.ts')).memoryDriver;
  return importDriver(scheme, packages[scheme] as string);
}

async function importDriver(scheme: string, name: string): Promise<Driver> {
  let loaded: object;
  try {
    loaded = await loadDriverModule(name);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new NotSupportedError(
      `${scheme}:// needs the package ${name}: npm install ${name}; in a bundle, import its driver and give it to the app: new Lovage(name, { drivers: [...] })`,
      { cause: error },
    );
  }
  const driver = Object.values(loaded).find(
    (value): value is Driver => isDriver(value) && value.schemes.includes(scheme),
  );
  if (driver) return driver;
  throw new NotSupportedError(`the installed ${name} does not answer for ${scheme}://: upgrade it`);
}

function isMissing(error: unknown): boolean {
  const { code } = error as { readonly code?: string };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
}

function isDriver(value: unknown): value is Driver {
  return typeof value === 'object' && value !== null && 'schemes' in value && 'connect' in value;
}

/** A URL for people: without its password. */
export function hideSecret(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/[^:@/]*):.*@/i, '$1:***@');
}
