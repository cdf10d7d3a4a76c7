import { type Connection, newTaskId, type Settlement } from '@lovage/core/driver';
import { deferred, until } from '@lovage/core/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { ack, connect as connectTo, consume, createMessage, emptied, required, success } from './bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();
const open: Connection[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connection) => connection.close(1_000)));
});

/** A connection with a prefix of its own, closed after the test. */
function connect(prefix = `t${newTaskId()}`): { readonly connection: Connection; readonly prefix: string } {
  const connection = connectTo(redis.server.url, { prefix });
  open.push(connection);
  return { connection, prefix };
}

const fastLease = { leaseDuration: 2_000, orphanInterval: 1_000 };
const well = { name: 'math.add', data: '{"v":1,"args":[1]}', opts: '{}', timestamp: '1', delay: '0', priority: '0' };
const deep = `{"v":1,"args":[${'['.repeat(5_000)}${']'.repeat(5_000)}]}`;

/** Bytes that a foreign, broken or hostile producer may leave in a queue: the fields of the job's hash. */
const poison: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = {
  'data that are not JSON': { ...well, data: '{bad' },
  'data that are empty': { ...well, data: '' },
  'data that are null': { ...well, data: 'null' },
  'data that are a number': { ...well, data: '7' },
  'data that are a list': { ...well, data: '[1,2]' },
  'data of a foreign shape': { ...well, data: '{"to":"a@b.c"}' },
  'data nested too deep': { ...well, data: deep },
  'data with a __proto__ key': { ...well, data: '{"v":1,"args":[{"__proto__":{"polluted":1}}]}' },
  'data with a __proto__ at the top': { ...well, data: '{"v":1,"args":[],"__proto__":{"polluted":1}}' },
  'data of a newer version': { ...well, data: '{"v":2,"args":[]}' },
  'data that are not UTF-8': { ...well, data: '{"v":1,"args":\u00ff' },
  'no data': { name: 'math.add', opts: '{}', timestamp: '1' },
  'no name': { data: well.data, opts: '{}', timestamp: '1' },
  'an empty name': { ...well, name: '' },
  'opts that are not JSON': { ...well, opts: '[[[' },
  'opts that are null': { ...well, opts: 'null' },
  'progress that is not JSON': { ...well, data: '{bad', progress: '{' },
  'a parent that is not JSON': { ...well, data: '{bad', parent: '{' },
  'a deferred failure': { ...well, defa: 'child failed' },
  'too many crashes': { ...well, stc: '21' },
  'nothing: an id without a job': undefined,
};

describe('a poisoned queue', () => {
  it.each(Object.entries(poison))('parks %s, and the rest flows', async (_name, fields) => {
    const { connection, prefix } = connect();
    const id = newTaskId();
    await required(connection.monitor).foreign?.('alpha').adopt();
    if (fields) await redis.server.client.hset(`${prefix}:alpha:${id}`, fields);
    await redis.server.client.multi().lpush(`${prefix}:alpha:wait`, id).zadd(`${prefix}:alpha:marker`, 0, '0').exec();
    const seen = await consume(connection, { slots: 1 });
    const good = createMessage();
    await required(connection.broker).publish([good]);
    await seen.arrived(1);
    await emptied(connection);
    expect(seen.deliveries.map((delivery) => delivery.message.id)).toEqual([good.id]);
    expect(seen.malformed).toMatchObject([{ queue: 'alpha', id }]);
    expect(seen.malformed[0]?.reason.message).not.toBe('');
    const [letter, ...others] = await required(connection.monitor).deadLetters('alpha', 10);
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ id, queue: 'alpha', body: fields?.['data'] ?? '' });
    expect(await redis.server.client.exists(`${prefix}:alpha:${id}`)).toBe(0);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('keeps the bytes of a letter as they were', async () => {
    const { connection, prefix } = connect();
    const bytes = Buffer.from([0x7b, 0xff, 0x00, 0xfe]);
    await required(connection.monitor).foreign?.('alpha').adopt();
    await redis.server.client.hset(`${prefix}:alpha:odd`, { ...well, data: bytes });
    await redis.server.client
      .multi()
      .lpush(`${prefix}:alpha:wait`, 'odd')
      .zadd(`${prefix}:alpha:marker`, 0, '0')
      .exec();
    await consume(connection);
    await until(async () => (await required(connection.monitor).deadLetters('alpha', 1)).length === 1);
    const [[, fields] = []] = (await redis.server.client.xrangeBuffer(`lovage:${prefix}:dead:alpha`, '-', '+')) as [
      Buffer,
      Buffer[],
    ][];
    const body = fields?.findIndex((field) => field.toString() === 'body') ?? -1;
    expect(fields?.[body + 1]).toEqual(bytes);
  });
});

describe('the outcome', () => {
  it("is stored with the completion, or not at all when the lock is another's", async () => {
    const { connection, prefix } = connect();
    const gate = deferred<Settlement>();
    const seen = await consume(connection, {}, () => gate.promise);
    const message = createMessage({ replyTo: 'me' });
    await required(connection.broker).publish([message]);
    await seen.arrived(1);
    const rings: string[] = [];
    await required(connection.results).watch('me', (ring) => rings.push(ring.id));
    await redis.server.client.set(`${prefix}:alpha:${message.id}:lock`, 'another');
    gate.resolve(success(message.id, 'stale', 'me'));
    await until(() => seen.errors.some((error) => error.name === 'StaleSettlementError'));
    expect(await required(connection.results).get([message.id])).toEqual([undefined]);
    expect(await required(connection.monitor).locate([message.id])).toEqual(['running']); // until orphans are looked for
    expect(rings).toEqual([]);
  });

  it('is stored although Redis has to be given every script anew', async () => {
    const { connection } = connect();
    const gate = deferred<void>();
    const seen = await consume(connection, {}, async ({ message }) => {
      await gate.promise;
      return success(message.id, 'kept');
    });
    const messages = Array.from({ length: 5 }, () => createMessage());
    await required(connection.broker).publish(messages);
    await seen.arrived(5);
    await redis.server.client.script('FLUSH');
    gate.resolve();
    await emptied(connection);
    const records = await required(connection.results).get(messages.map((message) => message.id));
    expect(records.map((record) => record?.value)).toEqual(['kept', 'kept', 'kept', 'kept', 'kept']);
    expect(seen.errors).toEqual([]);
  });

  it('takes the place of a key of a foreign type', async () => {
    const { connection, prefix } = connect();
    const message = createMessage();
    await redis.server.client.lpush(`lovage:${prefix}:result:${message.id}`, 'foreign');
    await consume(connection, {}, async () => success(message.id, 'mine'));
    await required(connection.broker).publish([message]);
    await emptied(connection);
    expect(await required(connection.results).get([message.id])).toMatchObject([{ value: 'mine' }]);
  });

  it('leaves the task to its lease when it cannot be stored, and tells', async () => {
    const { connection } = connect();
    let attempts = 0;
    const seen = await consume(connection, fastLease, async ({ message }) => {
      attempts += 1;
      if (attempts > 1) return success(message.id, 'second');
      // a ttl that Redis refuses stands for any error of the store
      return { kind: 'ack', outcome: { ...required(success(message.id, 'first').outcome), ttl: 2 ** 63 } };
    });
    const message = createMessage();
    await required(connection.broker).publish([message]);
    await seen.arrived(2, 30_000);
    await emptied(connection);
    expect(seen.errors[0]?.message).toMatch(/expire|integer/);
    expect(seen.deliveries[1]?.deliveryCount).toBe(2);
    expect(await required(connection.results).get([message.id])).toMatchObject([{ value: 'second' }]);
  });
});

describe('a worker that is lost', () => {
  it('is found out after its lease, and its task is run with deliveryCount 2', async () => {
    const { connection, prefix } = connect();
    const never = deferred<Settlement>();
    const lost = connectTo(redis.server.url, { prefix });
    const first = await consume(lost, fastLease, () => never.promise);
    const message = createMessage();
    await required(connection.broker).publish([message]);
    await first.arrived(1);
    const began = performance.now();
    await lost.close(0).catch(() => {}); // hands nothing back below: its lock is put back as the crash would leave it
    await redis.server.client
      .multi()
      .del(`${prefix}:alpha:prioritized`)
      .lpush(`${prefix}:alpha:active`, message.id)
      .set(`${prefix}:alpha:${message.id}:lock`, 'a dead worker', 'PX', 2_000)
      .exec();
    const second = await consume(connection, fastLease);
    await second.arrived(1, 15_000);
    expect(second.deliveries[0]).toMatchObject({ message, deliveryCount: 2 });
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('that takes its own task again settles both runs, and keeps the second lease', async () => {
    const { connection, prefix } = connect();
    const gates = [deferred<Settlement>(), deferred<Settlement>()];
    let runs = 0;
    const seen = await consume(connection, fastLease, () => required(gates[runs++]).promise);
    const message = createMessage();
    await required(connection.broker).publish([message]);
    await seen.arrived(1);
    await redis.server.client.del(`${prefix}:alpha:${message.id}:lock`);
    await seen.arrived(2, 15_000);
    gates[0]?.resolve(success(message.id, 'first'));
    await until(() => seen.errors.some((error) => error.name === 'StaleSettlementError'));
    let lost = false;
    seen.deliveries[1]?.onLeaseLost(() => {
      lost = true;
    });
    const lockKey = `${prefix}:alpha:${message.id}:lock`;
    const before = await redis.server.client.pttl(lockKey);
    await until(async () => (await redis.server.client.pttl(lockKey)) > before, { what: 'a renewal' }); // BullMQ's manager stopped here
    gates[1]?.resolve(success(message.id, 'second'));
    await emptied(connection);
    expect(lost).toBe(false);
    expect(runs).toBe(2);
    expect(await required(connection.results).get([message.id])).toMatchObject([{ value: 'second' }]);
  });
});

describe('slots', () => {
  it('are never exceeded over three queues, and nothing is fetched beyond them', async () => {
    const { connection, prefix } = connect();
    const queues = ['one', 'two', 'three'];
    let running = 0;
    let most = 0;
    let mostActive = 0;
    const messages = Array.from({ length: 120 }, (_, index) => createMessage({ queue: required(queues[index % 3]) }));
    await required(connection.broker).publish(messages);
    const seen = await consume(connection, { queues, slots: 4 }, async () => {
      running += 1;
      most = Math.max(most, running);
      const active = await Promise.all(queues.map((queue) => redis.server.client.llen(`${prefix}:${queue}:active`)));
      mostActive = Math.max(
        mostActive,
        active.reduce((sum, count) => sum + count, 0),
      );
      running -= 1;
      return ack;
    });
    await seen.arrived(120, 20_000);
    for (const queue of queues) await emptied(connection, queue);
    expect(most).toBe(4);
    expect(mostActive).toBeLessThanOrEqual(4);
  });
});

describe('priority', () => {
  it('lets a 9 overtake ten waiting zeros', async () => {
    const { connection } = connect();
    const gate = deferred<void>();
    const seen = await consume(connection, { slots: 1 }, () => gate.promise.then(() => ack));
    const first = createMessage();
    await required(connection.broker).publish([first]);
    await seen.arrived(1);
    const zeros = Array.from({ length: 10 }, () => createMessage());
    await required(connection.broker).publish(zeros);
    const urgent = createMessage({ priority: 9 });
    await required(connection.broker).publish([urgent]);
    gate.resolve();
    await seen.arrived(12);
    expect(seen.deliveries.map((delivery) => delivery.message.id)).toEqual(
      [first, urgent, ...zeros].map((message) => message.id),
    );
  });
});

describe('a release', () => {
  it('wakes an idle worker at once', async () => {
    const { connection, prefix } = connect();
    const other = connect(prefix).connection;
    const holder = await consume(connection, { slots: 1 }, () => deferred<Settlement>().promise);
    const message = createMessage();
    await required(connection.broker).publish([message]);
    await holder.arrived(1);
    const idle = await consume(other);
    await until(async () => (await redis.server.client.zcard(`${prefix}:alpha:marker`)) === 0, {
      what: 'the idle worker to block',
    });
    const began = performance.now();
    await holder.consumer.close(0);
    await idle.arrived(1);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(idle.deliveries[0]).toMatchObject({ message, deliveryCount: 1 });
  });
});

describe('ids and queues that BullMQ cannot have', () => {
  it.each(['42', 'a:b:c:d', 'meta', '~x', 'wait', '007', 'ž 🐴'])('works with the id %s', async (id) => {
    const { connection } = connect();
    const gate = deferred<void>();
    const seen = await consume(connection, {}, async ({ message }) => {
      await gate.promise;
      return success(message.id, 'done');
    });
    const message = createMessage({ id });
    await required(connection.broker).publish([message, message]);
    await seen.arrived(1);
    expect(await required(connection.monitor).locate([id])).toEqual(['running']);
    gate.resolve();
    await emptied(connection);
    expect(seen.deliveries.map((delivery) => delivery.message)).toEqual([message]);
    expect(await required(connection.results).get([id])).toMatchObject([{ id, value: 'done' }]);
  });
});

describe('a settlement that comes when its lease has run out', () => {
  /** Runs a message whose lease runs out under it; `meanwhile` is what others do before it is settled. */
  async function settleLate(meanwhile: (job: string) => Promise<unknown>) {
    const { connection, prefix } = connect();
    const gate = deferred();
    const message = createMessage();
    const deliver = () => gate.promise.then((): Settlement => success(message.id, 'late'));
    const seen = await consume(connection, {}, deliver); // nobody looks for orphans within this test
    await required(connection.broker).publish([message]);
    await seen.arrived(1);
    const job = `${prefix}:alpha:${message.id}`;
    await redis.server.client.del(`${job}:lock`);
    await meanwhile(job);
    gate.resolve();
    return { seen, connection, record: async () => (await required(connection.results).get([message.id]))[0] };
  }

  it('is accepted while nobody has had the task since', async () => {
    const { seen, connection, record } = await settleLate(async () => {});
    await emptied(connection);
    expect(await record()).toMatchObject({ state: 'SUCCESS', value: 'late' });
    expect([seen.deliveries.length, seen.errors]).toEqual([1, []]);
  });

  it.each([
    ['another delivery has begun and been lost, too', (job: string) => redis.server.client.hincrby(job, 'ats', 1)],
    ['the task waits again', (job: string) => redis.server.client.del(job.replace(/:[^:]+$/, ':active'))],
    ['another worker holds it', (job: string) => redis.server.client.set(`${job}:lock`, 'another')],
  ])('is dropped when %s', async (_, meanwhile) => {
    const { seen, record } = await settleLate(meanwhile);
    await until(() => seen.errors.length > 0, { what: 'the stale settlement' });
    expect(seen.errors[0]?.name).toBe('StaleSettlementError');
    expect(await record()).toBeUndefined();
  });
});
