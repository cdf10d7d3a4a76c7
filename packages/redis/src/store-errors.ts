import {
  BrokerAuthenticationError,
  BrokerMemoryError,
  BrokerUnavailableError,
  LovageError,
  ResultBackendUnavailableError,
} from '@lovage/core/driver';

/** Errors after which the same command may succeed on the next connection: nobody can say whether it was carried out. */
const connectionError =
  /connection is closed|stream isn't writeable|max retries per request|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|socket timeout|socket closed|aborted due to connection close|sentinels are unreachable|failed to refresh slots cache|cluster isn't ready|too many cluster redirections|^LOADING|^READONLY|^MASTERDOWN|^CLUSTERDOWN|^TRYAGAIN/i;
const notServing = /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)/;
const authenticationError = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username-password|client sent AUTH/i;

/** Whether this error is about the connection, not the command. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof Error && connectionError.test(`${error.message} ${(error as { code?: string }).code ?? ''}`);
}

/**
 * Whether a settlement that failed so may be tried again on the same lease: also where the server does not serve for the moment
 * (it was demoted, or loads its data), since it has then done nothing.
 */
export function isWorthTrying(error: unknown): boolean {
  return !isConnectionError(error) || notServing.test((error as Error).message);
}

/** Whether the server refused the credentials, or what they allow. */
export function isAuthenticationError(error: unknown): boolean {
  return error instanceof Error && authenticationError.test(error.message);
}

/** Whether the command never left this process. */
export function wasNotSent(error: unknown): boolean {
  return error instanceof Error && error.message.includes("Stream isn't writeable");
}

/** Whether the server is full (`maxmemory` with `noeviction`). */
export function isMemoryError(error: unknown): boolean {
  return error instanceof Error && error.message.includes('OOM command not allowed');
}

/** Any error of a Redis client as one of the catalogue; `display` is the URL without its password. */
export function toBrokerError(error: unknown, display: string, taskId?: string): Error {
  if (error instanceof LovageError) return error;
  const options = { cause: error, ...(taskId === undefined ? {} : { taskId }) };
  const detail = error instanceof Error ? error.message : String(error);
  if (isMemoryError(error)) {
    return new BrokerMemoryError(
      `Redis at ${display} is full (maxmemory reached), nothing was accepted: let the workers drain it, or raise maxmemory`,
      options,
    );
  }
  if (detail.startsWith('NOAUTH')) {
    const message = `Redis at ${display} wants a password, and the URL has none: write redis://:<password>@host:6379/0`;
    return new BrokerAuthenticationError(message, options);
  }
  if (isAuthenticationError(error)) {
    return new BrokerAuthenticationError(`Redis at ${display} refused the credentials: ${detail}`, options);
  }
  if (isConnectionError(error))
    return new BrokerUnavailableError(`Redis at ${display} cannot be reached: ${detail}`, options);
  return error instanceof Error ? error : new Error(detail);
}

/** As {@link toBrokerError}, for the result store: a lost connection is {@link ResultBackendUnavailableError}. */
export function toResultError(error: unknown, display: string): Error {
  const mapped = toBrokerError(error, display);
  if (!(mapped instanceof BrokerUnavailableError)) return mapped;
  return new ResultBackendUnavailableError(mapped.message, { cause: error });
}
