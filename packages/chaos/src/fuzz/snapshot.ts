// What lies in Redis, as values that can be changed and written back.
import type { ChainableCommander, Redis } from 'ioredis';
import type { Random } from '../random.ts';
import { mutateText } from './mutate.ts';

/** A value of Redis: its texts, in the order in which its write command takes them. */
export interface StoredValue {
  readonly key: string;
  readonly type: string;
  readonly texts: readonly string[];
}

/** Every value but those for which `skip` is true, in the order of their keys. */
export async function captureValues(client: Redis, skip: (key: string) => boolean): Promise<StoredValue[]> {
  const keys = (await client.keys('*')).filter((key) => !skip(key)).sort();
  const values: StoredValue[] = [];
  for (const key of keys) {
    const type = await client.type(key);
    const texts = await readTexts(client, key, type);
    if (texts.length > 0) values.push({ key, type, texts });
  }
  return values;
}

async function readTexts(client: Redis, key: string, type: string): Promise<string[]> {
  switch (type) {
    case 'string':
      return [(await client.get(key)) ?? ''];
    case 'list':
      return client.lrange(key, 0, -1);
    case 'set':
      return client.smembers(key);
    case 'hash':
      return Object.entries(await client.hgetall(key)).flat();
    case 'zset':
      return client.zrange(key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return (await client.xrange(key, '-', '+', 'COUNT', 1)).flatMap(([, fields]) => fields);
    default:
      return [];
  }
}

/** One of its texts changed; now and then another type, or twice the value. */
export function mutateValue(random: Random, { key, type, texts }: StoredValue): StoredValue {
  if (random.next() < 0.05) {
    return { key, type: random.pick(['string', 'list', 'set', 'hash', 'zset', 'stream']), texts: even(texts) };
  }
  const at = random.between(0, texts.length);
  const score = type === 'zset' && at % 2 === 1;
  const text = score
    ? random.pick(['0', '-1', '1', '1e300', '-1e300', 'inf', '-inf', '0.5', '9007199254740993', String(Date.now())])
    : mutateText(random, texts[at] ?? '');
  return { key, type, texts: texts.map((old, index) => (index === at ? text : old)) };
}

function even(texts: readonly string[]): readonly string[] {
  return texts.length % 2 === 0 ? texts : [...texts, '1'];
}

/** Puts values in the place of those that are there. */
export async function writeValues(client: Redis, values: readonly StoredValue[]): Promise<void> {
  const pipeline = client.pipeline();
  for (const value of values) {
    pipeline.del(value.key);
    writeValue(pipeline, value);
  }
  await pipeline.exec(); // one that Redis refuses is a value that nobody can have left
}

function writeValue(pipeline: ChainableCommander, { key, type, texts }: StoredValue): void {
  switch (type) {
    case 'list':
      pipeline.rpush(key, ...texts);
      break;
    case 'set':
      pipeline.sadd(key, ...texts);
      break;
    case 'hash':
      pipeline.hset(key, ...texts);
      break;
    case 'zset':
      for (let at = 0; at < texts.length; at += 2) {
        const score = texts[at + 1] ?? '0';
        pipeline.zadd(key, Number.isFinite(Number(score)) || /^-?inf$/.test(score) ? score : '0', texts[at] ?? '');
      }
      break;
    case 'stream':
      pipeline.xadd(key, '*', ...texts);
      break;
    default:
      pipeline.set(key, texts.join(''));
  }
}
