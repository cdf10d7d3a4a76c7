import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Message } from '../message/message.ts';
import { parseMessageText } from '../message/message-parser.ts';
import { MessageSeal } from './message-seal.ts';
import { Sealer } from './sealer.ts';
import type { SecurityOptions, SigningKey } from './security-options.ts';

const secret = (): string => randomBytes(32).toString('base64');
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const ed25519: SigningKey = {
  id: 'ed',
  publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};
const hmac: SigningKey = { id: 'mac', secret: secret() };
const encryption = { keys: [{ id: 'e', secret: secret() }], use: 'e' };
const kinds: readonly (readonly [string, SecurityOptions])[] = [
  ['HMAC', { signing: { keys: [hmac], use: 'mac' } }],
  ['Ed25519', { signing: { keys: [ed25519], use: 'ed' } }],
  ['HMAC and AES-256-GCM', { signing: { keys: [hmac], use: 'mac' }, encryption }],
];

const create = (security: SecurityOptions): MessageSeal => new MessageSeal(new Sealer(security, Date, 'test'));

/** A small generator, so that a failure names the seed that repeats it. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function createMessage(n: number, more: Partial<Message> = {}): Message {
  return {
    v: 1,
    id: `task-${n}`,
    task: 'mail.send',
    args: [n, `someone-${n}@example.org`, { list: [1, 2.5, null, true], ключ: 'ž' }],
    kwargs: { subject: 'hello' },
    queue: 'mail',
    priority: 3,
    retries: 0,
    sentAt: Date.now(),
    eta: Date.now() + 1_000,
    replyTo: 'inbox-1',
    stamps: { customer: 42 },
    headers: { tenant: 'a' },
    canvas: { next: 'task-next' },
    maxRetries: 5,
    ...more,
  };
}

describe.each(kinds)('%s', (name, security) => {
  const seal = create(security);
  const rounds = name === 'HMAC' ? 10_000 : 1_000;

  it(`opens what it has sealed, and none of ${rounds} that one byte was changed in`, { timeout: 120_000 }, () => {
    const seed = Date.now() % 1_000_000;
    const random = numbers(seed);
    let accepted = 0;
    for (let n = 0; n < rounds; n++) {
      const message = createMessage(n);
      const text = JSON.stringify(seal.seal(message));
      expect(seal.open(parseMessageText(text))).toEqual({ ...message, mayRepeat: true });
      const at = random(text.length);
      const other = String.fromCharCode(32 + random(94));
      if (other === text[at]) continue;
      try {
        const opened = seal.open(parseMessageText(text.slice(0, at) + other + text.slice(at + 1)));
        // `sentAt` outside of the seal is not looked at: the sealed one counts
        if (isDeepStrictEqual(opened, { ...message, mayRepeat: true }))
          expect(text.slice(0, at).lastIndexOf('"sentAt":')).toBeGreaterThan(at - 25);
        else accepted += 1;
      } catch (error) {
        expect((error as Error).name).toMatch(/^(SignatureError|MalformedMessageError|DecryptionError)$/);
      }
    }
    expect({ seed, accepted }).toEqual({ seed, accepted: 0 });
  });

  it.each([
    ['task', { task: 'mail.purge' }],
    ['id', { id: 'another' }],
    ['queue', { queue: 'other' }],
    ['eta', { eta: 1 }],
    ['no eta', { eta: undefined }],
    ['expires', { expires: 9_999_999_999_999 }],
    ['deadline', { deadline: 1 }],
    ['priority', { priority: 9 }],
    ['maxRetries', { maxRetries: null }],
    ['replyTo', { replyTo: 'mine' }],
    ['stamps', { stamps: { customer: 43 } }],
    ['canvas', { canvas: { next: 'mine' } }],
    ['groupId', { groupId: 'mine' }],
    ['timeLimit', { timeLimit: 1 }],
    ['version', { version: '2' }],
    ['retries', { retries: 1 }],
    ['crashes', { crashes: 1 }],
    ['arguments taken from another message', { seal: seal.seal(createMessage(2)).seal }],
    ['no seal', { seal: undefined }],
    ['a seal of another shape', { seal: 'sealed:1:["","{}","",0,""]' }],
  ])('refuses another %s', (_what, change) => {
    const wire = JSON.stringify({ ...seal.seal(createMessage(1)), ...change });
    expect(() => seal.open(parseMessageText(wire))).toThrow(/^message \S+ of task "mail\.\w+"/);
  });

  it('lets a worker change what workers change, and nobody else', () => {
    const before = parseMessageText(JSON.stringify(seal.seal(createMessage(1))));
    const opened = seal.open(before);
    const back = parseMessageText(
      JSON.stringify(seal.putBack({ ...opened, retries: 1, eta: Date.now() + 5_000 }, before, opened)),
    );
    expect(back.seal).toBe(before.seal); // its sender's signature stays
    expect(seal.open(back)).toMatchObject({ args: opened.args, retries: 1, eta: back.eta });
    for (const change of [{ retries: 0 }, { retries: 2 }, { eta: 1 }, { crashes: 1 }, { task: 'mail.purge' }])
      expect(() => seal.open({ ...back, ...change })).toThrow();
    const again = seal.open(back);
    expect(seal.open(seal.putBack({ ...again, retries: 2 }, back, again))).toMatchObject({
      retries: 2,
      args: opened.args,
    });
    const changed = seal.putBack({ ...again, args: [7], retries: 2 }, back, again);
    expect(seal.open(changed)).toMatchObject({ retries: 2, args: [7] });
  });
});

describe('key rings', () => {
  const options = (...keys: readonly SigningKey[]): SecurityOptions => ({ signing: { keys, use: keys[0]?.id ?? '' } });

  it('never take the public half of a pair for a secret', () => {
    const forger = create(options({ id: 'ed', secret: Buffer.from(ed25519.publicKey ?? '') }));
    const wire = forger.seal(createMessage(1));
    expect(() => create(options(ed25519)).open(wire)).toThrow('has a signature that is not right');
  });

  it('only verify where there is no private key', () => {
    const { privateKey: _private, ...shared } = ed25519;
    const verifier = create({ signing: { keys: [shared] } });
    expect(verifier.open(create(options(ed25519)).seal(createMessage(1))).args).toHaveLength(3);
    expect(() => verifier.seal(createMessage(1))).toThrow('this process has no key of its own (security.signing.use)');
    expect(() => create({ signing: { keys: [shared], use: 'ed' } })).toThrow('"ed" is not a key that can sign');
  });

  it.each([
    [{ id: 'a', secret: 'c2hvcnQ=' }, 'the secret has 5 bytes, at least 32 are needed'],
    [{ id: 'a', secret: 'not base64!' }, 'the secret is not base64'],
    [{ id: 'a' }, 'has neither a secret (HMAC) nor a publicKey (Ed25519)'],
    [{ id: 'a b', secret: secret() }, 'an id is up to 100 letters'],
    [{ id: 'a', publicKey: 'x' }, 'not a PEM key of Ed25519'],
    [{ ...ed25519, secret: secret() }, 'give one of both'],
    [{ id: 'a', secret: secret(), may: ['all' as never] }, 'may: "all" is none of send, work, control'],
    [{ id: 'a', secret: secret(), notAfter: 'soon' }, 'notAfter: expected a date'],
  ])('refuse a key that cannot be: %j', (key, message) => {
    expect(() => create(options(key))).toThrow(message);
    expect(() => create(options(key))).toThrow(expect.objectContaining({ name: 'ConfigurationError' }));
  });

  it('require signatures of the queues of a list alone, while signing is brought in', () => {
    const some = create({ signing: { keys: [hmac], use: 'mac', requireSignature: ['pay*'] } });
    expect(some.open(createMessage(1)).args).toHaveLength(3);
    expect(() => some.open(createMessage(1, { queue: 'payments' }))).toThrow('is not signed');
  });
});

describe('encryption', () => {
  const own = (id: string) => ({ id, secret: secret() });

  it('has a key for each tenant, by a function, and names the one that is missing', () => {
    const [a, b] = [own('tenant-a'), own('tenant-b')];
    const use = ({ headers }: { readonly headers?: Readonly<Record<string, unknown>> }): string =>
      `tenant-${String(headers?.['tenant'])}`;
    const both = create({ encryption: { keys: [a, b], use } });
    const sealed = both.seal(createMessage(1, { headers: { tenant: 'b' } }));
    expect(both.open(sealed).headers).toEqual({ tenant: 'b' });
    expect(() => create({ encryption: { keys: [a], use } }).open(sealed)).toThrow(
      'message task-1 of task "mail.send" is encrypted with key "tenant-b", which this process does not have',
    );
    expect(() => both.seal(createMessage(1, { headers: { tenant: 'c' } }))).toThrow(
      'named the key "tenant-c", which is not in the list',
    );
    expect(() => create({}).open(sealed)).toThrow('is encrypted, and this process has no keys (security.encryption)');
  });

  it('refuses what was altered, and keys of another length', () => {
    const key = own('e');
    const seal = create({ encryption: { keys: [key], use: 'e' } });
    const sealed = seal.seal(createMessage(1));
    const altered = { ...sealed, task: 'mail.purge' };
    expect(() => seal.open(altered)).toThrow(
      'cannot be decrypted with key "e": it was altered, or another key has that id',
    );
    expect(() => create({ encryption: { keys: [{ id: 'e', secret: randomBytes(16) }], use: 'e' } })).toThrow(
      'exactly 32 are needed',
    );
    expect(() => create({ encryption: { keys: [key], use: 'f' } })).toThrow('there is no key "f"');
  });
});
