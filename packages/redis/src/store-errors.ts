import {
  BrokerAuthenticationError,
  BrokerCommandError,
  BrokerMemoryError,
  BrokerTlsError,
  BrokerUnavailableError,
  BrokerUrlError,
  LovageError,
  ResultBackendUnavailableError,
  tlsProblem,
} from '@lovage/core/driver';

/** Errors after which the same command may succeed on the next connection: nobody can say whether it was carried out. */
const connectionError =
  /connection is closed|stream isn't writeable|max retries per request|ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|socket timeout|socket closed|aborted due to connection close|sentinels are unreachable|failed to refresh slots cache|cluster isn't ready|too many cluster redirections/i;
/**
 * Replies of a server that is there and does not serve for the moment: it carried nothing out. Redis before 7 puts the reply to a
 * command of a script behind the place in the script: `@user_script: 3: -READONLY …`.
 */
const notServing =
  /(?:^|@user_script: ?\d+: -)(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS)(?: |$)/;
const authenticationError = /WRONGPASS|NOAUTH|NOPERM|invalid password|invalid username-password|client sent AUTH/i;
/** What an ACL refuses: a command, a key or a channel, also inside a script. */
const permissionError = /NOPERM|The user executing the script can't/;
const unknownCommand = /unknown command|Unknown Redis command called from script/i;

/**
 * Whether the server did not serve when it was asked: it loads its data, runs a long script, cannot save, lacks replicas, was
 * demoted, or its cluster has no master for the slot. It carried nothing out.
 */
export function isNotServing(error: unknown): boolean {
  return error instanceof Error && notServing.test(error.message);
}

/** Whether the server was demoted: the client has to look for the new master. */
export function isDemoted(error: unknown): boolean {
  return isNotServing(error) && (error as Error).message.includes('READONLY ');
}

/** Whether the same command may succeed later: the error is about the connection or the state of the server, not the command. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return isNotServing(error) || connectionError.test(`${error.message} ${(error as { code?: string }).code ?? ''}`);
}

/** Whether the server refused the credentials, or what they allow. */
export function isAuthenticationError(error: unknown): boolean {
  return error instanceof Error && (authenticationError.test(error.message) || permissionError.test(error.message));
}

/** Whether the server does not let this user run the command, or has none of that name: managed services rename some. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && (permissionError.test(error.message) || unknownCommand.test(error.message));
}

/** Whether Redis refused the URL's database (SELECT) while a connection was made. */
export function isSelectError(error: unknown): boolean {
  return error instanceof Error && (error as { command?: { name?: string } }).command?.name === 'select';
}

/** Whether the server has no database of the number that the URL names. */
function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && error.message.includes('DB index is out of range');
}

/** Whether waiting for the connection is in vain until somebody changes the URL, the server or its users. */
export function isRefusal(error: unknown): boolean {
  return isAuthenticationError(error) || isDatabaseError(error) || tlsProblem(error) !== undefined;
}

/** Whether the command was certainly not carried out: it never left this process, or the server did not serve. */
export function wasNotCarriedOut(error: unknown): boolean {
  return error instanceof Error && (error.message.includes("Stream isn't writeable") || isNotServing(error));
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
  const tls = tlsProblem(error);
  if (tls !== undefined) return new BrokerTlsError(`Redis at ${display}: ${tls} (${detail})`, options);
  if (isDatabaseError(error)) {
    const message = `Redis at ${display} has no database of that number: write one below its setting "databases" into the URL, or raise the setting`;
    return new BrokerUrlError(message, { cause: error });
  }
  if (permissionError.test(detail)) {
    const message = `Redis at ${display} does not let this user do that (ACL): ${detail}`;
    return new BrokerAuthenticationError(message, options);
  }
  if (isAuthenticationError(error)) {
    return new BrokerAuthenticationError(`Redis at ${display} refused the credentials: ${detail}`, options);
  }
  if (isNotServing(error)) {
    return new BrokerUnavailableError(`Redis at ${display} does not serve at the moment: ${detail}`, options);
  }
  if (isConnectionError(error))
    return new BrokerUnavailableError(`Redis at ${display} cannot be reached: ${detail}`, options);
  if (error instanceof Error && error.name === 'ReplyError')
    return new BrokerCommandError(`Redis at ${display} refused ${describeCommand(error)}: ${detail}`, options);
  return error instanceof Error ? error : new Error(detail);
}

const shownKeys = 3;
const longestKey = 200;

/** `HSET "lovage:app:schedules"`; of a script its keys, as far as a reader needs them. */
function describeCommand(error: Error): string {
  const { name, args = [] } = (error as { command?: { name?: string; args?: readonly unknown[] } }).command ?? {};
  if (name === undefined) return 'a command';
  const isScript = /^(eval|evalsha|fcall)/.test(name);
  const keys = isScript ? args.slice(2, 2 + Math.min(Number(args[1]) || 0, shownKeys)) : args.slice(0, 1);
  const shown = keys.map((key) => JSON.stringify(String(key).slice(0, longestKey)));
  const subject = shown.length === 0 ? '' : ` ${isScript ? 'on ' : ''}${shown.join(', ')}`;
  return `${isScript ? 'a script' : name.toUpperCase()}${subject}`;
}

/** As {@link toBrokerError}, for the result store: a lost connection is {@link ResultBackendUnavailableError}. */
export function toResultError(error: unknown, display: string): Error {
  const mapped = toBrokerError(error, display);
  if (!(mapped instanceof BrokerUnavailableError)) return mapped;
  return new ResultBackendUnavailableError(mapped.message, { cause: error });
}
