import { randomUUID } from 'node:crypto';
import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { useRedis } from '../../redis/test/use-redis.ts';
import { celeryRedisDriver } from '../src/driver.ts';

const redis = useRedis();
const patiently = { timeout: 60_000 } as const;

interface Envelope {
  body: unknown;
  'content-type'?: unknown;
  headers?: unknown;
  properties?: unknown;
}

function envelope(
  change: (
    message: Envelope & { body: string; headers: Record<string, unknown>; properties: Record<string, unknown> },
  ) => void = () => {},
): { id: string; text: string } {
  const id = randomUUID();
  const message = {
    body: Buffer.from(
      JSON.stringify([[2, 3], {}, { callbacks: null, errbacks: null, chain: null, chord: null }]),
    ).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { lang: 'py', task: 'add', id } as Record<string, unknown>,
    properties: {
      correlation_id: id,
      delivery_info: { exchange: '', routing_key: 'q' },
      delivery_tag: randomUUID(),
      body_encoding: 'base64',
    } as Record<string, unknown>,
  };
  change(message);
  return { id, text: JSON.stringify(message) };
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');

/** Fresh keys for each test. */
function open(query = '', options: { readonly stalledInterval?: string } = {}) {
  const prefix = `t${randomUUID().slice(0, 8)}:`;
  const broker = `${redis.server.url.replace('redis:', 'celery+redis:')}${query}`;
  const app = new Lovage('robust', { broker, prefix, drivers: [celeryRedisDriver], logLevel: 'silent' });
  redis.endings.push(() => app.close());
  let runs = 0;
  const add = app.task('add', (x: number, y: number) => {
    runs += 1;
    return x + y;
  });
  const start = () => startWorker(app, { queues: ['q'], name: `w${randomUUID().slice(0, 4)}@h`, ...options });
  return { app, add, prefix, start, runs: () => runs, client: redis.server.client };
}

describe('a message that is no task', { timeout: 90_000 }, () => {
  const shapes: readonly (readonly [string, Parameters<typeof envelope>[0] | string, RegExp])[] = [
    ['no JSON', 'not json', /not JSON/],
    ['a JSON scalar', '5', /no message of kombu/],
    ['a list', '[]', /no message of kombu/],
    ['no headers', (m) => void Reflect.deleteProperty(m, 'headers'), /protocol 1/],
    ['headers null', (m) => void Object.assign(m, { headers: null }), /protocol 1/],
    [
      'protocol 1',
      (m) => void Object.assign(m, { headers: {}, body: base64({ task: 'add', id: 'x', args: [1, 2], kwargs: {} }) }),
      /protocol 1/,
    ],
    ['headers without id', (m) => void Reflect.deleteProperty(m.headers, 'id'), /header id/],
    [
      'two elements in its body',
      (m) => void Object.assign(m, { body: base64([[2, 3], {}]) }),
      /\[args, kwargs, embed\]/,
    ],
    [
      'a body that is no JSON',
      (m) => void Object.assign(m, { body: Buffer.from('no').toString('base64') }),
      /body is not JSON/,
    ],
    [
      'keyword arguments in a list',
      (m) => void Object.assign(m, { body: base64([[2, 3], [], {}]) }),
      /\[args, kwargs, embed\]/,
    ],
    ['arguments in a text', (m) => void Object.assign(m, { body: base64(['abc', {}, {}]) }), /\[args, kwargs, embed\]/],
    ['an unknown body_encoding', (m) => void Object.assign(m.properties, { body_encoding: 'utf-8' }), /body_encoding/],
    [
      'a pickled body',
      (m) => void Object.assign(m, { 'content-type': 'application/x-python-serialize' }),
      /never decoded/,
    ],
    ['a signed body', (m) => void Object.assign(m, { 'content-type': 'application/data' }), /signed/],
    [
      'an unknown content type',
      (m) => void Object.assign(m, { 'content-type': 'text/x-nothing' }),
      /content type "text\/x-nothing"/,
    ],
    [
      'compression that is none',
      (m) => void Object.assign(m.headers, { compression: 'application/x-gzip' }),
      /application\/x-gzip and is not/,
    ],
    [
      'unknown compression',
      (m) => void Object.assign(m.headers, { compression: 'application/x-bz2' }),
      /compressed with application\/x-bz2/,
    ],
    ['an eta that is none', (m) => void Object.assign(m.headers, { eta: 'soon' }), /header eta/],
    [
      'a body that is nested without end',
      (m) =>
        void Object.assign(m, {
          body: Buffer.from(`[${'['.repeat(5_000)}${']'.repeat(5_000)},{},{}]`).toString('base64'),
        }),
      /nested/,
    ],
    [
      'a key that re-parents',
      (m) => void Object.assign(m, { body: Buffer.from('[[{"__proto__":{"a":1}}],{},{}]').toString('base64') }),
      /forbidden key/,
    ],
  ];

  it.each(shapes)('is parked with its reason, and the worker lives: %s', async (_what, shape, reason) => {
    const { app, add, start, prefix, client } = open();
    const { id, text } = typeof shape === 'string' ? { id: '', text: shape } : envelope(shape);
    await client.lpush(`${prefix}q`, text);
    await start();

    expect(await add.call([1, 2], { queue: 'q', timeout: '60s' })).toBe(3); // behind it in the queue
    const [letter] = (await client.lrange(`${prefix}lovage:celery:dead:q`, 0, -1)).map((one) => JSON.parse(one));
    expect(letter.reason.message).toMatch(reason);
    expect(letter.body).toBe(text);
    expect(await client.hlen(`${prefix}unacked`)).toBe(0);
    if (text.includes(id) && id !== '' && text.includes(`"id":"${id}"`))
      await expect(app.asyncResult(id).get({ timeout: '60s' })).rejects.toThrow(reason);
  });

  it.each([
    ['only task and id', () => {}],
    [
      'no delivery tag',
      (m: { properties: Record<string, unknown> }) => void Reflect.deleteProperty(m.properties, 'delivery_tag'),
    ],
    [
      'no delivery info',
      (m: { properties: Record<string, unknown> }) => void Reflect.deleteProperty(m.properties, 'delivery_info'),
    ],
    [
      'no body_encoding, plain JSON',
      (m: Envelope & { properties: Record<string, unknown> }) => {
        Reflect.deleteProperty(m.properties, 'body_encoding');
        m.body = '[[2, 3], {}, null]';
      },
    ],
  ])('but one with %s is run', async (_what, change) => {
    const { app, start, prefix, client } = open();
    const { id, text } = envelope(change as Parameters<typeof envelope>[0]);
    await client.lpush(`${prefix}q`, text);
    await start();
    expect(await app.asyncResult(id).get({ timeout: '60s' })).toBe(5);
    await expect.poll(() => client.hlen(`${prefix}unacked`), patiently).toBe(0);
  });
});

describe('a failed task', { timeout: 90_000 }, () => {
  it('may be sent again under its id: what it comes to then is its result', async () => {
    const { app, start, prefix, client } = open();
    let runs = 0;
    app.task('flaky', () => {
      runs += 1;
      if (runs === 1) throw new Error('not yet');
      return 'done';
    });
    const { id, text } = envelope(({ headers }) => void Object.assign(headers, { task: 'flaky' }));
    await start();
    await client.lpush(`${prefix}q`, text);
    await expect(app.asyncResult(id).get({ timeout: '60s' })).rejects.toThrow('not yet');
    await client.lpush(`${prefix}q`, text);
    const stored = async () => JSON.parse((await client.get(`${prefix}celery-task-meta-${id}`)) ?? '{}');
    await expect.poll(stored, patiently).toMatchObject({ status: 'SUCCESS', result: 'done' });
    await expect.poll(() => client.hlen(`${prefix}unacked`), patiently).toBe(0);
  });
});

describe('a message of a lost worker', { timeout: 90_000 }, () => {
  it('is restored, says that it was delivered before, and runs', async () => {
    const { app, start, prefix, client } = open('?visibility_timeout=10');
    const { id, text } = envelope();
    await client.hset(`${prefix}unacked`, 'tag', `[${text}, "", "q"]`);
    await client.zadd(`${prefix}unacked_index`, Date.now() / 1_000 - 11, 'tag');
    await start();
    expect(await app.asyncResult(id).get({ timeout: '60s' })).toBe(5);
    await expect.poll(() => client.zcard(`${prefix}unacked_index`), patiently).toBe(0);
  });

  it('is left alone while its worker shows that it lives, however long it runs', async () => {
    const { app, start } = open('?visibility_timeout=0.6', { stalledInterval: '100ms' });
    const starts: number[] = [];
    let resolve: () => void = () => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    app.task('long', async () => {
      starts.push(Date.now());
      await promise;
      return 'done';
    });
    await Promise.all([start(), start()]);
    const result = await app.sendTask('long', [], { queue: 'q' });
    await expect.poll(() => (starts[0] ? Date.now() - starts[0] : 0), patiently).toBeGreaterThan(2_000);
    resolve();
    expect(await result.get({ timeout: '60s' })).toBe('done');
    expect(starts).toHaveLength(1);
  });

  it('goes back to the front in its order when its worker ends', async () => {
    const { app, add, start, prefix, client } = open();
    const worker = await start();
    for (const x of [1, 2, 3]) await add.applyAsync([x, x], { queue: 'q', countdown: '1h' });
    await expect.poll(() => client.hlen(`${prefix}unacked`), patiently).toBe(3);
    await worker.close();
    const texts = await client.lrange(`${prefix}q`, 0, -1);
    const firsts = texts.map((text) => JSON.parse(Buffer.from(JSON.parse(text).body, 'base64').toString())[0][0]);
    expect(firsts.reverse()).toEqual([1, 2, 3]);
    expect(await client.hlen(`${prefix}unacked`)).toBe(0);
    await app.close();
  });
});
