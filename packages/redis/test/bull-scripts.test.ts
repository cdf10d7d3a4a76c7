import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTaskBackend } from '../src/bullmq/backend-hook.ts';
import { completeWithOutcome } from '../src/scripts/finish-with-outcome.lua.ts';
import { RedisServer } from './redis-server.ts';

let server: RedisServer;
let client: Redis;

beforeAll(async () => {
  server = await RedisServer.start();
  client = new Redis(server.url, { maxRetriesPerRequest: null });
});

afterAll(async () => {
  client.disconnect();
  await server.stop();
});

/** Answers with what it was given, its packed options read. */
const mirror = `
local values = {}
for at = 1, #ARGV do values[at] = ARGV[at] end
values[8] = cmsgpack.unpack(ARGV[8])
return cjson.encode({KEYS, values})
`;

test("the keys and arguments that are made in Redis to complete a job are those that BullMQ's script is given", async () => {
  const options = { connection: client, prefix: 'bull', name: 'worker', lockDuration: 30_000 };
  const backend = createTaskBackend('mail', options);
  type Job = Parameters<typeof backend.moveToCompletedArgs>[0];
  const argsOf = (id: string): unknown[] =>
    backend.moveToCompletedArgs({ id, opts: { attempts: 0 } } as Job, 'null', { count: 0 }, 'token', true);
  const given = argsOf('job');
  const known = argsOf('<id>').slice(0, 14) as string[];
  const theirs = (await client.eval(mirror, 14, ...(given.map((arg) => arg ?? '') as string[]))) as string;
  const suffixes = known.map((key) => (key.endsWith('<id>') ? '<id>' : key.slice('bull:mail:'.length)));
  const ours = (await client.eval(
    completeWithOutcome(suffixes, mirror),
    2,
    ...['bull:mail:job:lock', 'result'],
    ...['job', String(given[15]), '1', '30000', 'worker', '1', 'token', '', 'record', '1000', '', ''],
  )) as string;
  expect(JSON.parse(ours)).toEqual(JSON.parse(theirs));
  expect(await client.exists('result')).toBe(0); // nobody holds the lease
});
