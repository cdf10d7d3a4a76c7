import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { tlsProblem } from '@lovage/core/driver';
import type { RedisHost, RedisTarget } from '../redis-url.ts';

/** What a client says when it hides why it could not connect: ioredis of sentinels and clusters, Node of a server that hangs up. */
const hidden = /before secure TLS|sentinels are unreachable|failed to refresh slots cache/i;

/** Whether the reason of this error may be TLS, without its saying so. */
export function mayHideTls(error: Error): boolean {
  return hidden.test(error.message);
}

/**
 * Looks for what is wrong with TLS at the hosts of a URL, by a connection of its own to each. Undefined: nothing, or no host answers
 * within `timeout` milliseconds.
 */
export async function probeTls(
  { hosts }: Pick<RedisTarget, 'hosts'>,
  options: Readonly<Record<string, unknown>>,
  timeout: number,
): Promise<Error | undefined> {
  const found = await Promise.all(hosts.map((host) => probe(host, options, timeout)));
  return found.find((error) => error !== undefined);
}

async function probe(
  host: RedisHost,
  options: Readonly<Record<string, unknown>>,
  timeout: number,
): Promise<Error | undefined> {
  const plain = converse(() => connectTcp(host), timeout);
  const error = await Promise.race([
    converse(() => connectTls({ ...host, ...options }), timeout),
    plain.then((failed) => (failed ? new Promise<never>(() => {}) : speaksPlain())), // Redis waits for the rest of what it reads as a line
  ]);
  return error && tlsProblem(error) ? error : undefined;
}

function speaksPlain(): Error {
  return Object.assign(new Error('wrong version number'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' });
}

/** Says PING; undefined when Redis answers. A server that wants a client certificate refuses only then. */
function converse(open: () => Socket, timeout: number): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = open();
    const end = (error?: Error): void => {
      socket.destroy();
      resolve(error);
    };
    socket.setTimeout(timeout, () => end(new Error('no answer')));
    const hear = (bytes: Buffer): void =>
      end(/^[+-]/.test(bytes.toString('latin1')) ? undefined : new Error('not a reply of Redis'));
    socket
      .on('error', end)
      .on('data', hear)
      .on('close', () => end(new Error('closed')));
    socket.write('PING\r\n');
  });
}
