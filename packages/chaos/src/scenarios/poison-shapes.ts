import type { Redis } from 'ioredis';
import type { DriverName } from '../arena.ts';

/** What no producer of ours writes: what it is, its bytes, and other fields of the job (BullMQ) or of the entry (Streams). */
type Shape = readonly [what: string, data: string | Buffer, more?: Readonly<Record<string, string>>];

const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
const noUtf8 = Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]);
const celery = '{"body":"W1tdLCB7fSwg","content-encoding":"utf-8","headers":{"id":"x';

/** As BullMQ keeps a job's data. */
const jobs: readonly Shape[] = [
  ['not JSON', '{bad'],
  ['nothing', ''],
  ['no object', '[1,2,3]'],
  ['null', 'null'],
  ['args no list', '{"v":1,"args":"no"}'],
  ['a version to come', '{"v":99,"args":[]}'],
  ['invalid UTF-8', noUtf8],
  ['too deep', `{"v":1,"args":[${deep}]}`],
  ['__proto__', '{"v":1,"args":[{"__proto__":{"polluted":1}}]}'],
  ['retries no number', '{"v":1,"args":[],"retries":"many"}'],
  ['a Celery envelope, cut off', celery],
  ['options no JSON', '{"v":1,"args":["phantom",1]}', { opts: '[[[' }],
];

/** As an entry of a stream carries a message: a list, or a whole message as an object. */
const entries: readonly Shape[] = [
  ['not JSON', '["work",'],
  ['nothing', ''],
  ['no task', '[1,2,3]'],
  ['null', 'null'],
  ['args no list', '["work","no"]'],
  ['a version to come', '[99,"work",[]]'],
  ['invalid UTF-8', noUtf8],
  ['too deep', `["work",[${deep}]]`],
  ['__proto__', '["work",[{"__proto__":{"polluted":1}}]]'],
  ['retries no number', '["work",[],null,{"retries":"many"}]'],
  ['a Celery envelope, cut off', celery],
  ['a whole message without an id', '{"v":1,"task":"work","args":["phantom",1]}', { note: 'of a stranger' }],
];

/** How a stranger harms a queue of a driver. */
export interface Stranger {
  /** How many malformed shapes there are. */
  readonly shapes: number;
  /** How many dead letters come of them and of the ghost. */
  readonly letters: number;
  /** Writes every shape, and an id without a message, into the default queue. */
  inject(client: Redis): Promise<void>;
}

/** A stranger who writes into BullMQ's keys. Its ghost is run by whoever takes it, so that it is parked too. */
const bullStranger: Stranger = {
  shapes: jobs.length,
  letters: jobs.length + 1,
  async inject(client) {
    const key = 'bull:default';
    for (const [index, [, data, more = {}]] of jobs.entries()) {
      const job = { name: 'work', data, opts: '{}', timestamp: Date.now(), delay: 0, priority: 0, ...more };
      const id = `poison-${index}`;
      await client.multi().hset(`${key}:${id}`, job).lpush(`${key}:wait`, id).zadd(`${key}:marker`, 0, '0').exec();
    }
    await client.multi().lpush(`${key}:wait`, 'ghost').zadd(`${key}:marker`, 0, '0').exec();
  },
};

/** A stranger who writes into a stream. Its ghost is due and has no message: there is nothing to park. */
const streamStranger: Stranger = {
  shapes: entries.length,
  letters: entries.length,
  async inject(client) {
    const base = 'lovage:stream:default:';
    for (const [index, [, data, more = {}]] of entries.entries()) {
      await client.xadd(`${base}p0`, '*', `poison-${index}`, data, ...Object.entries(more).flat());
    }
    await client.zadd(`${base}due`, Date.now(), 'ghost');
    await client.publish('lovage:stream-wake:default', '0');
  },
};

/** The stranger of this driver's queues. */
export function strangerTo(driver: DriverName): Stranger {
  return driver === 'redis' ? bullStranger : streamStranger;
}
