import { Lovage } from '@lovage/core';
import { startWorker } from '@lovage/core/worker';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lovage, noRedis, refuses, start, startRedis } from './run-cli.ts';

const conf = { broadcastQueues: ['fanout'] };
const env = { LOVAGE_BROADCAST_QUEUES: 'fanout' };

describe.skipIf(noRedis)('lovage topics and lovage broadcast', () => {
  it('publishes, listens, lists and removes', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    const app = new Lovage('billing', { broker: url, logLevel: 'silent' });
    onTestFinished(() => app.close());
    const bill = app.task({ name: 'bill', queue: 'bills' }, (order: unknown) => order);
    app.subscription('billing', 'order.*', bill);
    await app.topics.register();
    const run = (...args: string[]) => lovage(['--broker', url, 'topics', ...args]);
    expect((await run('list')).stdout).toBe(
      'group    pattern  task  queue  app\nbilling  order.*  bill  bills  billing\n',
    );
    const listener = start(['--broker', url, 'topics', 'listen', 'order.*', '--count', '1', '--json']);
    await listener.says(/listening/);
    expect(await run('publish', 'order.created', '{"id":1}', '--id', 'mine')).toMatchObject({
      code: 0,
      stdout: 'mine\n',
      stderr: expect.stringContaining('a task was sent for billing'),
    });
    expect(JSON.parse((await listener.ended).stdout)).toMatchObject({
      topic: 'order.created',
      id: 'mine',
      payload: { id: 1 },
    });
    expect(await run('remove', 'billing')).toMatchObject({ code: 0 });
    expect(await run('remove', 'billing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no group "billing"'),
    });
    expect(await run('publish', 'order..x')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('an empty part'),
    });
  }, 60_000);

  it('broadcasts, prints each answer, and tells a failure by its exit code', async () => {
    const { url, stop } = await startRedis();
    onTestFinished(stop);
    for (const name of ['one', 'two']) {
      const app = new Lovage('fleet', { broker: url, logLevel: 'silent', conf });
      onTestFinished(() => app.close());
      app.task({ name: 'clear', bind: true, maxRetries: 0 }, (self, what: string) => {
        if (what === self.worker) throw new Error('no cache');
        return `${what} at ${self.worker}`;
      });
      await startWorker(app, { name, queues: ['fanout'] });
    }
    const run = (...args: string[]) => lovage(['--broker', url, 'broadcast', ...args], { env });
    expect(await run('clear', 'all')).toMatchObject({
      code: 0,
      stdout: 'worker  answer\none     "all at one"\ntwo     "all at two"\n',
    });
    const { code, stdout } = await run('clear', 'two', '-Q', 'fanout', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { one: { value: 'two at one' }, two: { error: 'TaskFailedError: no cache' } },
    ]);
  }, 60_000);
});

it('asks for a queue that is none, and names what is missing', async () => {
  await refuses(['--broker', 'memory://', 'broadcast', 'clear'], 2, /which queue\? --queue.*conf\.broadcastQueues/);
  await refuses(['--broker', 'memory://', 'broadcast', 'clear', '-Q', 'x'], 2, /"x" is no broadcast queue/);
  await refuses(['--broker', 'memory://', 'topics', 'publish'], 2, /topic/);
});
