import { expect, it } from 'vitest';
import { silentLogger } from '../logger.ts';
import { deferred, within } from '../testing.ts';
import { TopicListener } from './topic-listener.ts';

const message = { topic: 'a', id: '1', at: 0 };

it('is closed by its own handler, which does not wait for itself', async () => {
  const heard: unknown[] = [];
  const ended = deferred();
  const listener = new TopicListener(
    'a',
    async (payload) => {
      heard.push(await payload);
      await listener.close();
      ended.resolve();
    },
    silentLogger,
  );
  listener.add(1, message);
  listener.add(2, message);
  await within(ended.promise, { timeout: 1_000, what: 'the handler' });
  listener.add(3, message);
  await listener.close();
  expect(heard).toEqual([1]);
});

it('waits for the message under way when somebody else closes it', async () => {
  const gate = deferred();
  const heard: string[] = [];
  const work = async (): Promise<void> => {
    await gate.promise;
    heard.push('done');
  };
  const listener = new TopicListener('a', work, silentLogger);
  listener.add(1, message);
  const closing = listener.close();
  gate.resolve();
  await closing;
  expect(heard).toEqual(['done']);
});

it('costs the other promises of the process the same, however many listeners there are', async () => {
  const awaits = async (): Promise<number> => {
    const began = performance.now();
    for (let turn = 0; turn < 20_000; turn++) await turn;
    return performance.now() - began;
  };
  const best = async (): Promise<number> => Math.min(await awaits(), await awaits(), await awaits());
  const use = async (count: number): Promise<TopicListener[]> => {
    const listeners = Array.from({ length: count }, () => new TopicListener('a', async () => {}, silentLogger));
    for (const listener of listeners) listener.add(1, message);
    await new Promise((resolve) => setImmediate(resolve));
    return listeners;
  };
  const one = await use(1);
  const withOne = await best();
  const many = await use(500);
  const withMany = await best();
  await Promise.all([...one, ...many].map((listener) => listener.close()));
  const without = await best();
  expect(withMany / withOne).toBeLessThan(10); // a storage for each: 75 times and more
  expect(without / withOne).toBeLessThan(5);
});
