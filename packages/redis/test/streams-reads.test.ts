import { newTaskId, timeOfTaskId } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { required } from './bench.ts';
import { RedisServer } from './redis-server.ts';
import { baseOf, connectStreams } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

it('a message is found in a long backlog by the time that its id tells', async () => {
  const own = await RedisServer.start();
  redis.endings.push(() => own.stop());
  const prefix = `t${newTaskId()}`;
  const connection = connectStreams(own, { prefix });
  redis.endings.push(() => connection.close(1_000));
  const base = baseOf({ prefix, queue: 'alpha' });
  const fill = own.client.pipeline();
  for (let index = 20_000; index > 0; index -= 1)
    fill.xadd(`${base}p5`, Date.now() - index * 150, `old-${index}`, '[]');
  const id = newTaskId();
  fill.xadd(`${base}p3`, Number(timeOfTaskId(id)) + 20, id, '["math.add",[2,3]]').sadd(`${base}known`, id);
  await fill.exec();
  const reads = async (): Promise<number> =>
    Number(/xrange:calls=(\d+)/.exec(await own.client.info('commandstats'))?.[1] ?? 0);
  expect(await required(connection.monitor).find?.([id], ['alpha'])).toMatchObject([{ id, args: [2, 3] }]);
  expect(await reads()).toBeLessThanOrEqual(11);
});
