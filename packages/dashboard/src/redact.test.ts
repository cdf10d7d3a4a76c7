import { describe, expect, it } from 'vitest';
import { Redactor, redacted, restoreSecrets } from './redact.ts';

const hide = (value: unknown, schema?: unknown, keys: readonly string[] = []) => new Redactor(keys).hide(value, schema);

describe('what is secret', () => {
  it('goes by the names of fields, however they are written and however deep they stand', () => {
    expect(hide([{ user: 'ann', Password: 'x', api_key: 'y', deep: [{ 'access-token': 1 }] }, 'text'])).toEqual([
      { user: 'ann', Password: redacted, api_key: redacted, deep: [{ 'access-token': redacted }] },
      'text',
    ]);
    expect(hide({ pin: 1, other: 2 }, undefined, ['PIN'])).toEqual({ pin: redacted, other: 2 });
    expect(hide({ password: null, token: undefined })).toEqual({ password: null, token: undefined });
  });

  it('goes by schema, also in lists, unions and records', () => {
    const card = { type: 'string', writeOnly: true };
    const order = { type: 'object', properties: { card, amount: { type: 'number' } } };
    expect(hide([{ card: '4111', amount: 3 }], { type: 'array', prefixItems: [order] })).toEqual([
      { card: redacted, amount: 3 },
    ]);
    expect(hide([{ card: '4111' }], { items: { anyOf: [{ type: 'null' }, order] } })).toEqual([{ card: redacted }]);
    expect(hide({ a: '4111' }, { additionalProperties: card })).toEqual({ a: redacted });
    expect(hide('4111', { anyOf: [card, { type: 'null' }] })).toBe(redacted);
  });

  it('is put back where it was not edited, and never sent as the word itself', () => {
    const original = [{ user: 'ann', password: 'x' }, 1];
    const hidden = hide(original);
    expect(restoreSecrets([{ user: 'bob', password: redacted }, 2], original, hidden)).toEqual([
      { user: 'bob', password: 'x' },
      2,
    ]);
    expect(restoreSecrets([{ user: 'bob', password: 'new' }], original, hidden)).toEqual([
      { user: 'bob', password: 'new' },
    ]);
    expect(() => restoreSecrets([{ user: redacted }], original, hidden)).toThrow('no secret was');
    expect(() => restoreSecrets([1, { password: redacted }], original, hidden)).toThrow('no secret was');
  });
});
