import { createHash, timingSafeEqual } from 'node:crypto';

/** A viewer looks; an operator acts as well. */
export type Role = 'viewer' | 'operator';

/** Who asks. */
export interface Viewer {
  readonly name: string;
  readonly role: Role;
}

/**
 * How a person or a program proves who it is:
 * - `token`: `Authorization: Bearer <token>`;
 * - `basic`: a name and a password, as browsers ask for them;
 * - `proxy`: a header with the name, set by a proxy that has checked it and that strips the header from what comes from outside.
 *   Names in `operators` act, all others look.
 */
export type Access =
  | { readonly kind: 'token'; readonly token: string; readonly role: Role }
  | { readonly kind: 'basic'; readonly name: string; readonly password: string; readonly role: Role }
  | { readonly kind: 'proxy'; readonly header: string; readonly operators: readonly string[] };

/** The headers of a request. */
export interface HeaderReader {
  get(name: string): string | null;
}

/** Throws a TypeError for a rule that would let anyone in. */
export function assertAccess(rules: readonly Access[]): void {
  for (const rule of rules) {
    if (rule.kind === 'token' && rule.token.length < 16)
      throw new TypeError('dashboard: access: a token has at least 16 characters; `openssl rand -hex 16` makes one');
    if (rule.kind === 'basic' && (rule.name === '' || rule.name.includes(':') || rule.password.length < 8))
      throw new TypeError('dashboard: access: basic needs a name without ":" and a password of at least 8 characters');
    if (rule.kind === 'proxy' && rule.header === '')
      throw new TypeError('dashboard: access: proxy needs the name of the header that your proxy sets');
  }
}

/** Who the headers say is asking; undefined when no rule knows them. */
export function identify(rules: readonly Access[], headers: HeaderReader): Viewer | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+)$/.exec(headers.get('authorization') ?? '') ?? [];
  for (const rule of rules) {
    const viewer = match(rule, scheme.toLowerCase(), credentials, headers);
    if (viewer) return viewer;
  }
  return undefined;
}

function match(rule: Access, scheme: string, credentials: string, headers: HeaderReader): Viewer | undefined {
  switch (rule.kind) {
    case 'token':
      return scheme === 'bearer' && same(credentials, rule.token) ? { name: 'token', role: rule.role } : undefined;
    case 'basic': {
      const given = scheme === 'basic' ? Buffer.from(credentials, 'base64').toString() : '';
      return same(given, `${rule.name}:${rule.password}`) ? { name: rule.name, role: rule.role } : undefined;
    }
    case 'proxy': {
      const name = headers.get(rule.header);
      return name ? { name, role: rule.operators.includes(name) ? 'operator' : 'viewer' } : undefined;
    }
  }
}

/** In the same time wherever the two differ. */
function same(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]', '::1'];

/** Whether an address or a name is this machine alone. */
export function isLoopback(host: string): boolean {
  return loopbackNames.includes(host);
}
