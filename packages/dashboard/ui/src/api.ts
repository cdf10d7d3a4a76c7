import { signal } from '@preact/signals';

/** An answer that is an error, in the server's words. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const tokenKey = 'lovage-token';

/** Whether the server wants to know who this is. */
export const needsSignIn = signal(false);

/** Keeps a token for this tab, and tries again with it. */
export function signIn(token: string): void {
  sessionStorage.setItem(tokenKey, token);
  needsSignIn.value = false;
}

/** The headers that say who this is, where a token was given. */
export function identity(): Record<string, string> {
  const token = sessionStorage.getItem(tokenKey);
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** An address of the API, relative to the page. Parts are encoded. */
export function address(parts: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return `api/${parts.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

async function answerOf<T>(response: Response): Promise<T> {
  if (response.status === 401) needsSignIn.value = true;
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as T;
  const told = (body as { readonly error?: unknown } | undefined)?.error;
  throw new ApiError(response.status, typeof told === 'string' ? told : `the server answered ${response.status}`);
}

/** Throws an {@link ApiError}, and what fetch throws when the server does not answer. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerOf<T>(await fetch(path, { headers: identity(), ...(signal ? { signal } : {}) }));
}

/** An action. Throws as {@link get}. */
export async function post<T>(parts: readonly string[], body: object = {}): Promise<T> {
  const headers = { ...identity(), 'x-lovage': '1', 'content-type': 'application/json' };
  return answerOf<T>(await fetch(address(parts), { method: 'POST', headers, body: JSON.stringify(body) }));
}
