import { limits, newTaskId } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { encodePayload, readEntry } from './entry.ts';
import type { QueueStream } from './stream-queue.ts';

const stream = { band: 0, queue: { name: 'default' } } as unknown as QueueStream;

it('reads whatever a producer may be told to send: 33 Mi characters, with a limit of 64 MiB', () => {
  const text = 'x'.repeat(33 * 1_048_576);
  expect(text.length).toBeLessThan(limits.payloadBytes);
  const id = newTaskId();
  const message = { v: 1, id, task: 't', args: [text], queue: 'default', priority: 0, retries: 0, sentAt: 1 } as const;
  const content = readEntry(['1-0', [id, encodePayload(message)]], stream);
  expect(content.message?.args[0]).toHaveLength(text.length);
});

it('reads the place in a canvas of an entry that is no message', () => {
  const canvas = { next: 'after' };
  const content = readEntry(
    ['1-0', ['some-id', JSON.stringify([99, 'shop.charge', 'no list', null, { canvas }])]],
    stream,
  );
  expect(content.reason?.name).toBe('MalformedMessageError');
  expect(content.parts).toEqual({ id: 'some-id', task: 'shop.charge', canvas });
});
