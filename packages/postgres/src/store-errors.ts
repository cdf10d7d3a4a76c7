import {
  BrokerAuthenticationError,
  BrokerCommandError,
  BrokerUrlError,
  LovageError,
  NotSupportedError,
  ResultBackendUnavailableError,
} from '@lovage/core/driver';

/** SQLSTATEs after which the same work may succeed: on this connection, or on another one. */
const passing = new Set([
  '25006', // read only: a standby, or a primary that is being demoted
  '40001', // serialization failure
  '40P01', // deadlock
  '53300', // too many connections
  '55P03', // lock not available
  '57P01', // shut down by an administrator
  '57P02', // another backend crashed
  '57P03', // starting up or shutting down
  '57P05', // idle session timeout
]);
const refused = new Set(['28000', '28P01']);
/** Of the operating system, and of `pg` itself. */
const networkCode = /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)/;
const networkText =
  /Connection terminated|connection timeout|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|not queryable/i;

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** Whether the work did not succeed for a reason that passes: it may be tried again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof LovageError) return error instanceof ResultBackendUnavailableError;
  const code = codeOf(error);
  if (passing.has(code) || code.startsWith('08') || networkCode.test(code)) return true;
  return error instanceof Error && (networkText.test(error.message) || isNameless(error));
}

/** Node joins what both address families answered: the error itself has a code alone. */
function isNameless(error: Error): boolean {
  return error instanceof AggregateError && error.errors.some(isPassing);
}

/** Any error of PostgreSQL's client as one of the catalogue; `display` is the URL without its password. */
export function toStoreError(error: unknown, display: string): Error {
  if (error instanceof LovageError) return error;
  const code = codeOf(error);
  const detail = (error instanceof Error && error.message) || code || String(error);
  const options = { cause: error };
  const server = `PostgreSQL at ${display}`;
  if (refused.has(code) || /password must be a string|SASL/.test(detail))
    return new BrokerAuthenticationError(`${server} refused the credentials: ${detail}`, options);
  if (code === '42501')
    return new BrokerAuthenticationError(
      `${server} does not let this user do that: ${detail}: GRANT it (docs/postgres.md has the statements)`,
      options,
    );
  if (code === '3D000') return new BrokerUrlError(`${server} has no such database: ${detail}`, options);
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT' || /certificate|does not support SSL|altnames/i.test(detail))
    return new NotSupportedError(
      `${server} and this client do not agree on TLS: ${detail}: see sslmode and sslrootcert`,
      options,
    );
  if (isPassing(error)) return new ResultBackendUnavailableError(`${server} cannot be reached: ${detail}`, options);
  if (code.startsWith('53'))
    return new ResultBackendUnavailableError(`${server} is out of resources: ${detail}`, options);
  if (/^[0-9A-Z]{5}$/.test(code))
    return new BrokerCommandError(`${server} refused a statement (${code}): ${detail}`, options);
  return error instanceof Error ? error : new Error(detail);
}
