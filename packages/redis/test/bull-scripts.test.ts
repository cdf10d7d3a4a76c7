import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTaskBackend } from '../src/bullmq/create-task-backend.ts';
import { addJob } from '../src/scripts/bullmq/add-job.lua.ts';
import { completeWithOutcome } from '../src/scripts/bullmq/finish-with-outcome.lua.ts';
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

test('a job that is added with our arguments is the job that BullMQ adds', async () => {
  const backend = createTaskBackend('post', { connection: client, prefix: 'bull' });
  backend.queueEvents = true;
  const fields = { name: 'send', data: '{"args":[1]}', timestamp: 1_700_000_000_000, opts: { priority: 10 } };
  await backend.addJob({ id: 'theirs', ...fields } as Parameters<typeof backend.addJob>[0], 'theirs', {});
  await backend.addTask({ id: 'ours', ...fields });
  await backend.addTask({ id: 'ours', ...fields, data: 'again' });
  expect(await client.hgetall('bull:post:ours')).toEqual(await client.hgetall('bull:post:theirs'));
  const events = (await client.xrange('bull:post:events', '-', '+')).map(([, event]) => event.join(' '));
  const added = (id: string): string[] => [`event added jobId ${id} name send`, `event waiting jobId ${id}`];
  expect(events).toEqual([...added('theirs'), ...added('ours'), 'event duplicated jobId ours']);
  expect(await client.zrange('bull:post:prioritized', '0', '-1')).toEqual(['theirs', 'ours']);
  expect(await client.zrange('bull:post:marker', '0', '-1')).toEqual(['0']);
  expect(await client.eval(addJob([], 'return -5'), 1, 'bull:post:x', 'x')).toBe(-5);
});
