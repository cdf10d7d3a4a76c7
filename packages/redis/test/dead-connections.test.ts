import { newTaskId } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { expect, it } from 'vitest';
import { connect } from './bench.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

it('what finds one connection dead makes the idle ones anew, which would find out late, each by itself', async () => {
  const prefix = `t${newTaskId()}`;
  const proxy = await TcpProxy.start(redis.server.port);
  const idle = connect(proxy.url, { prefix, connection: { socketTimeout: 1_000, connectTimeout: 1_000 } });
  const other = connect(redis.server.url, { prefix });
  try {
    const heard: unknown[] = [];
    await idle.bus?.subscribe('news', (message) => heard.push(message)); // it listens, and expects nothing
    await idle.monitor?.queues();
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // so that it is no new one when the other dies
    proxy.swallow();
    const began = performance.now();
    await idle.monitor?.queues(); // this one expects a reply: dead after a second, and asked again
    await until(
      async () => {
        await other.bus?.publish('news', 'late');
        return heard.length > 0;
      },
      { what: 'the news to be heard', timeout: 9_000 },
    );
    expect(performance.now() - began).toBeLessThan(5_000); // by itself it would ask after ten seconds
  } finally {
    await idle.close(1_000);
    await other.close(1_000);
    await proxy.stop();
  }
});
