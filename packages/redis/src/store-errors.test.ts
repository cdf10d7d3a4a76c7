import {
  BrokerAuthenticationError,
  BrokerMemoryError,
  BrokerUnavailableError,
  ConfigurationError,
  ResultBackendUnavailableError,
} from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { isConnectionError, toBrokerError, toResultError } from './store-errors.ts';

it.each([
  ["OOM command not allowed when used memory > 'maxmemory'. script: f, on @user_script:1.", BrokerMemoryError],
  ['WRONGPASS invalid username-password pair or user is disabled.', BrokerAuthenticationError],
  ['NOAUTH Authentication required.', BrokerAuthenticationError],
  ["NOPERM this user has no permissions to run the 'evalsha' command", BrokerAuthenticationError],
  ['Connection is closed.', BrokerUnavailableError],
  ["Stream isn't writeable and enableOfflineQueue options is false", BrokerUnavailableError],
  [
    'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
    BrokerUnavailableError,
  ],
  ['connect ECONNREFUSED 127.0.0.1:6379', BrokerUnavailableError],
  ['Too many Cluster redirections. Last error: Error: Connection is closed.', BrokerUnavailableError],
  ['LOADING Redis is loading the dataset in memory', BrokerUnavailableError],
  ["READONLY You can't write against a read only replica.", BrokerUnavailableError],
  ['BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.', BrokerUnavailableError],
  ['MISCONF Redis is configured to save RDB snapshots, but it is unable to persist to disk.', BrokerUnavailableError],
  ['NOREPLICAS Not enough good replicas to write.', BrokerUnavailableError],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", BrokerUnavailableError],
  ['CLUSTERDOWN The cluster is down', BrokerUnavailableError],
  ['TRYAGAIN Multiple keys request during rehashing of slot', BrokerUnavailableError],
  [
    'ERR Error running script (call to f_1): @user_script:7: @user_script: 7: -NOREPLICAS Not enough good replicas to write.',
    BrokerUnavailableError,
  ],
])('knows %s', (message, expected) => {
  const error = toBrokerError(new Error(message), 'redis://h', 'id-1');
  expect(error).toBeInstanceOf(expected);
  expect(error).toMatchObject({ taskId: 'id-1', message: expect.stringContaining('redis://h') });
});

it('does not take an error about a key for a server that does not serve', () => {
  for (const message of ['BUSYGROUP Consumer Group name already exists', 'BUSYKEY Target key name already exists.'])
    expect(isConnectionError(new Error(message))).toBe(false);
});

it('says how a password is given', () => {
  const { message } = toBrokerError(new Error('NOAUTH HELLO must be called with the client already'), 'redis://h');
  expect(message).toBe(
    'Redis at redis://h wants a password, and the URL has none: write redis://:<password>@host:6379/0',
  );
});

it('leaves alone what is one of the catalogue, or about neither', () => {
  const own = new ConfigurationError('no');
  const other = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
  expect([toBrokerError(own, 'd'), toBrokerError(other, 'd')]).toEqual([own, other]);
  expect(toBrokerError('thrown text', 'd').message).toBe('thrown text');
});

it('calls a lost result store by its name', () => {
  expect(toResultError(new Error('read ECONNRESET'), 'd')).toBeInstanceOf(ResultBackendUnavailableError);
  expect(toResultError(new Error('WRONGPASS'), 'd')).toBeInstanceOf(BrokerAuthenticationError);
});

it.each([
  [{ name: 'hset', args: ['k\n1', 'f', 'v'] }, 'HSET "k\\n1"'],
  [{ name: 'evalsha', args: ['sha', '4', 'a', 'b', 'c', 'd', 'value'] }, 'a script on "a", "b", "c"'],
  [{ name: 'ping', args: [] }, 'PING'],
  [undefined, 'a command'],
])('names the command and the key that Redis refused: %j', (command, shown) => {
  const refusal = Object.assign(new Error('WRONGTYPE Operation against a key'), { name: 'ReplyError', command });
  const error = toBrokerError(refusal, 'redis://h', 'id-1');
  expect(error).toMatchObject({ name: 'BrokerCommandError', code: 'BROKER_COMMAND', taskId: 'id-1', cause: refusal });
  expect(error.message).toBe(`Redis at redis://h refused ${shown}: WRONGTYPE Operation against a key`);
});
