import { encodeRecord, type OutcomeRecord } from '@lovage/core/driver';
import { expect, it } from 'vitest';
import { createKeys } from '../keys.ts';
import { parseNotification, parseNotifications, recordArguments, withoutMembers } from './record-text.ts';

const keys = createKeys({ kind: 'single', db: 0 }, undefined);
const record: OutcomeRecord = { id: 'a "quoted" id', task: 't', state: 'SUCCESS', value: 1, attempts: 1, at: 1 };

it('sends no notification without a reply address', () => {
  expect(recordArguments({ record, ttl: 5.7 }, keys)).toEqual([encodeRecord(record), '5', '', '']);
});

it('gives Redis a ttl it takes', () => {
  expect(recordArguments({ record, ttl: 0 }, keys)[1]).toBe('1');
});

it('reads back the ring with a record, and the bare one', () => {
  const [text, , channel, bare] = recordArguments({ record, ttl: 5, replyTo: 'me' }, keys);
  expect(channel).toBe('lovage:inbox:me');
  expect(parseNotification(String(text))).toEqual({ id: record.id, record });
  expect(parseNotification(String(bare))).toEqual({ id: record.id });
});

it('reads many notifications of one text, whatever is between them', () => {
  const tricky = { ...record, id: 'b', value: { final: 1, text: '\n{"final":1,', list: ['{"final":1,'] } };
  const running: OutcomeRecord = { ...record, id: 'c', state: 'STARTED' };
  const texts = [record, tricky, running].map((each) => encodeRecord(each));
  const notifications = [record, tricky, running].map((each) => ({ id: each.id, record: each }));
  expect(parseNotifications(texts.join('\n'))).toEqual(notifications);
  expect(parseNotifications([...texts, '{"ring":"d"}'].join('\n'))).toEqual([...notifications, { id: 'd' }]);
  expect(parseNotifications(['7', ...texts, '', 'null', '],['].join('\n'))).toEqual(notifications);
  expect(parseNotifications(texts[0] as string)).toEqual([notifications[0]]);
});

it.each(['', '{', '7', '{"ring":}', '{"ring":"x"', 'null'])('hears nothing in %j', (text) => {
  expect(parseNotification(text)).toBeUndefined();
});

it('leaves members out that nobody wants, and nothing else', () => {
  const canvas = { join: { group: 'g', index: 0, size: 3 } };
  const members = ['g.0', 'g.1', 'g.2'].map((id): OutcomeRecord => ({ ...record, id, canvas }));
  const others = [record, { ...record, id: 'order.7' }, { ...record, id: 'g', canvas: { next: 'h' } }];
  const linesOf = (records: readonly OutcomeRecord[]): string => records.map((each) => encodeRecord(each)).join('\n');
  const wants = (id: string): boolean => id === 'g.1';
  expect(withoutMembers(linesOf(members), wants)).toBe(linesOf(members.slice(1, 2)));
  expect(withoutMembers(linesOf(members.slice(2)), wants)).toBe('');
  expect(withoutMembers(linesOf(others), () => false)).toBe(linesOf(others));
  expect(withoutMembers(linesOf([members[0] as OutcomeRecord, ...others]), wants)).toBe(linesOf(others));
  expect(withoutMembers('{"ring":"g.0"}', () => false)).toBe('{"ring":"g.0"}');
});

it('drops what only begins like a bare ring, of any length', () => {
  for (const text of ['{"ring":1}', '{"ring":"a","x":1}', '{"ring":"a', '{"ring":"\\x"}'])
    expect(parseNotification(text)).toBeUndefined();
  const id = '\\n'.repeat(8 * 2 ** 20);
  expect(parseNotification(`{"ring":"${id}"}`)?.id).toHaveLength(8 * 2 ** 20);
});
