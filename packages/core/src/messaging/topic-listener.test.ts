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
