import { expect, it } from 'vitest';
import { BrokerUnavailableError, PublishError } from '../errors.ts';
import type { JsonValue } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import { publishInChunks } from './publish-chunks.ts';

function messages(count: number, arg: JsonValue): readonly Message[] {
  return Array.from({ length: count }, (_, index) => {
    const id = String(index);
    return { v: 1, id, task: 't', args: [arg], queue: 'q', priority: 0, retries: 0, sentAt: 0 };
  });
}

async function sizes(sent: readonly Message[]): Promise<readonly number[]> {
  const chunks: number[] = [];
  await publishInChunks(sent, async (chunk) => void chunks.push(chunk.length));
  return chunks;
}

it('publishes in chunks that are bounded by count and by bytes', async () => {
  expect(await sizes(messages(1_200, 1))).toEqual([500, 500, 200]);
  expect(await sizes(messages(9, 'x'.repeat(1_000_000)))).toEqual([4, 4, 1]);
  expect(await sizes(messages(9, { list: ['x'.repeat(500_000), 'x'.repeat(500_000)] }))).toEqual([4, 4, 1]);
  expect(await sizes(messages(3, 'x'.repeat(9_000_000)))).toEqual([1, 1, 1]);
  expect(await sizes([])).toEqual([]);
});

it('tells which were accepted when a chunk was not', async () => {
  const sent = messages(9, 'x'.repeat(1_000_000));
  const failing = (error: Error) => {
    let calls = 0;
    return publishInChunks(sent, async () => {
      calls += 1;
      if (calls === 2) throw error;
    });
  };
  await expect(failing(new BrokerUnavailableError('gone'))).rejects.toMatchObject({
    message: 'gone; 4 of 9 calls were accepted (their ids are in `accepted`)',
    accepted: ['0', '1', '2', '3'],
  });
  await expect(failing(new PublishError(new Map([['5', new Error('refused')]])))).rejects.toMatchObject({
    accepted: ['0', '1', '2', '3', '4', '6', '7'],
  });
});
