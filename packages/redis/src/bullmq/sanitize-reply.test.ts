import { expect, it } from 'vitest';
import { sanitizeReply, unreadablePrefix } from './sanitize-reply.ts';

it('keeps what a worker reads, in the shape BullMQ expects', () => {
  const fields = [
    'name',
    'n',
    'data',
    'd',
    'opts',
    '{"priority":10}',
    'progress',
    '{',
    'timestamp',
    '1',
    'stc',
    '2',
    'pb',
    'w',
  ];
  expect(sanitizeReply([fields, 'id', 0, 0])).toEqual([
    ['name', 'n', 'data', 'd', 'timestamp', '1', 'stc', '2'],
    'id',
    0,
    0,
  ]);
});

it.each(['[[[', 'null', '7', ''])('says of the opts %j that they cannot be read', (opts) => {
  expect(sanitizeReply([['opts', opts], 'id', 0, 0])).toEqual([
    ['defa', `${unreadablePrefix}the job's opts is not JSON`],
    'id',
    0,
    0,
  ]);
});

it.each([[0], [-2], [undefined], [null], [[0, 0, 0, 0]], [[null, '', 0, 5]]])('leaves the reply %j alone', (reply) => {
  expect(sanitizeReply(reply)).toBe(reply);
});
