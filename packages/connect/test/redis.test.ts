import { Lovage } from '@lovage/core';
import { DeadLetters } from '@lovage/core/inspect';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../../redis/src/driver.ts';
import { useRedis } from '../../redis/test/use-redis.ts';
import { Connect, MemoryLog } from '../src/index.ts';

const wait = { timeout: 60_000 } as const;

describe.each([redisDriver, streamsDriver])('a source with its tasks on $name', (driver) => {
  const redis = useRedis();

  it('sends each record once, also when it is read again, and parks what it cannot read', async () => {
    const ran: number[] = [];
    const broker = driver === redisDriver ? redis.server.url : redis.server.url.replace('redis:', 'redis+streams:');
    const app = new Lovage('source', { broker, drivers: [driver], logLevel: 'silent' });
    redis.endings.push(() => app.close());
    const task = app.task('count', (n: number) => void ran.push(n));
    await startWorker(app);
    const log = new MemoryLog();
    log.append(Array.from({ length: 20 }, (_, n) => ({ value: Buffer.from(n === 7 ? 'seven' : String(n)) })));
    const connect = new Connect(app);
    const source = connect.source(log.source('group'), task.s(), { batch: 5 });
    await connect.start();
    await expect.poll(() => ran.length, wait).toBe(19);
    await source.seek('earliest');
    await expect.poll(() => source.status.accepted, wait).toBe(38);
    log.append([{ value: Buffer.from('20') }]);
    await expect.poll(() => ran.length, wait).toBe(20);
    expect(ran.sort((a, b) => a - b)).toEqual(Array.from({ length: 21 }, (_, n) => n).filter((n) => n !== 7));
    const letters = await new DeadLetters(app).list();
    expect(letters.length).toBe(2); // it was read twice, and is parked each time
    expect(letters[0]).toMatchObject({ id: 'memory.group.0.7', task: 'count', reason: { name: 'SyntaxError' } });
    expect(letters[0]?.reason.message).toContain('partition 0, record 7');
  });
});
