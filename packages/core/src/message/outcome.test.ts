import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord, finalRecordPrefix, isFinal, type OutcomeRecord, taskStates } from './outcome.ts';

const record: OutcomeRecord = { id: 'a', task: 't', state: 'SUCCESS', value: [1, null, 'ž'], attempts: 1, at: 5 };

describe('encodeRecord and decodeRecord', () => {
  it('give back the record in every state', () => {
    for (const state of [...taskStates, 'BREWING', 'final', '"'] as string[]) {
      const each = { ...record, state, failure: { name: 'E', message: 'm' }, meta: { final: 1 } };
      expect(decodeRecord(encodeRecord(each))).toEqual(each);
    }
  });

  it('mark final records, and only those, by their first bytes', () => {
    for (const state of [...taskStates, 'BREWING'] as string[]) {
      const each = { ...record, state };
      expect(encodeRecord(each).startsWith(finalRecordPrefix)).toBe(isFinal(each));
    }
    expect([...taskStates].filter((state) => isFinal({ ...record, state }))).toEqual(['SUCCESS', 'FAILURE', 'REVOKED']);
  });

  it('say what JSON.stringify says, whatever the fields hold', () => {
    const texts = ['', 'a', 'a"b', 'a\\b', 'a\nb', '\u2028', '\ud800', 'ž', '__proto__'];
    for (const text of texts) {
      for (const field of ['id', 'task', 'state', 'worker', 'value', 'reason', 'a"b', 'unknown']) {
        const odd = { ...record, [field]: text } as OutcomeRecord;
        expect(encodeRecord(odd).replace(finalRecordPrefix, '{')).toBe(JSON.stringify(odd));
      }
    }
    for (const value of [0, -0, 1e21, 0.1, true, false, null, [], {}, [undefined], { a: undefined }, Number.NaN]) {
      const odd = { ...record, value, meta: undefined } as unknown as OutcomeRecord;
      expect(encodeRecord(odd).replace(finalRecordPrefix, '{')).toBe(JSON.stringify(odd));
    }
  });

  it('tell an absent value from null', () => {
    const { value: _value, ...none } = record;
    expect(decodeRecord(encodeRecord(none))).toEqual(none);
    expect('value' in (decodeRecord(encodeRecord(none)) ?? {})).toBe(false);
    expect(decodeRecord(encodeRecord({ ...record, value: null }))?.value).toBeNull();
  });

  it.each(['', '{', 'null', '5', '"text"', '[]', '{}', '{"id":1,"state":"SUCCESS"}', '{"id":"a"}', '{"final":1,}'])(
    'decode %j as undefined',
    (text) => {
      expect(decodeRecord(text)).toBeUndefined();
    },
  );

  it('do not let a stored text change a prototype', () => {
    const decoded = decodeRecord('{"id":"a","state":"SUCCESS","__proto__":{"polluted":1}}');
    expect((decoded as { polluted?: number } | undefined)?.polluted).toBeUndefined();
  });
});
