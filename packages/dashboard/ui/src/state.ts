import { computed, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Sample } from '../../src/sampler.ts';
import { get, identity, needsSignIn } from './api.ts';

/** Who looks. */
export interface Me {
  readonly name: string;
  readonly role: 'viewer' | 'operator';
  readonly app: string;
}

/** The latest look at the system; undefined before the first. */
export const sample = signal<Sample | undefined>(undefined);
export const connection = signal<'connecting' | 'live' | 'lost'>('connecting');
export const me = signal<Me | undefined>(undefined);
export const mayAct = computed(() => me.value?.role === 'operator');
/** A word on what was just done, for a few seconds. */
export const notice = signal<{ readonly text: string; readonly bad: boolean } | undefined>(undefined);

/** Where the page is: what stands behind `#/`, and its query. */
export interface Route {
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

function readRoute(): Route {
  const [path = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  const parts = path.split('/').filter((part) => part !== '');
  return { path: parts.length === 0 ? ['now'] : parts.map(decode), query: new URLSearchParams(query) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // a lone %
  }
}

export const route = signal<Route>(readRoute());
addEventListener('hashchange', () => {
  route.value = readRoute();
});

/** The address of a screen. */
export function href(path: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) search.set(name, value);
  const text = search.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text && `?${text}`}`;
}

/** Goes to a screen; `replace` leaves no step to go back to. */
export function go(to: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (!replace) {
    location.hash = to;
    return;
  }
  history.replaceState(undefined, '', to);
  route.value = readRoute();
}

let noticeTimer: ReturnType<typeof setTimeout> | undefined;

/** Says what was done. */
export function say(text: string, bad = false): void {
  notice.value = { text, bad };
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => {
    notice.value = undefined;
  }, 8_000);
}

/** Does something and says how it went; gives what it gave, undefined where it failed. */
export async function attempt<T>(
  done: string | ((value: T) => string),
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    const value = await work();
    say(typeof done === 'string' ? done : done(value));
    reloads.value += 1;
    return value;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
    return undefined;
  }
}

/** Grows with each action: what is shown is read again. */
const reloads = signal(0);

/** What an address of the API tells; read again with every look at the system, and after each action. */
export function useData<T>(path: string | undefined): {
  readonly data: T | undefined;
  readonly error: string | undefined;
} {
  const [state, setState] = useState<{ path?: string | undefined; data?: T; error?: string }>({});
  const tick = Math.floor((sample.value?.at ?? 0) / 1_000);
  const round = reloads.value;
  useEffect(() => {
    if (path === undefined) return;
    const end = new AbortController();
    get<T>(path, end.signal).then(
      (data) => setState({ path, data }),
      (error: unknown) => {
        if (!end.signal.aborted) setState({ path, error: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => end.abort();
  }, [path, tick, round]);
  const own = state.path === path;
  return { data: own ? state.data : undefined, error: own ? state.error : undefined };
}

/** Reads the live stream, again and again; without one it asks every few seconds. */
export async function follow(): Promise<never> {
  for (;;) {
    try {
      if (needsSignIn.value) await signedIn();
      me.value = await get<Me>('api/me');
      await readStream();
      connection.value = 'lost';
    } catch {
      connection.value = 'lost'; // shown; the next try says more
    }
    await new Promise((resolve) => setTimeout(resolve, 1_500));
  }
}

function signedIn(): Promise<void> {
  return new Promise((resolve) => {
    const stop = needsSignIn.subscribe((needed) => {
      if (needed) return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}

/** EventSource cannot send a token, so the stream is read by hand. */
async function readStream(): Promise<void> {
  const response = await fetch('api/live', { headers: identity() });
  if (response.status === 401) needsSignIn.value = true;
  if (!response.ok || response.body === null) {
    sample.value = await get<Sample>('api/now');
    connection.value = 'live';
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) take(event);
  }
}

function take(event: string): void {
  const data = event
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5))
    .join('\n');
  if (data === '') return;
  sample.value = JSON.parse(data) as Sample;
  connection.value = 'live';
}
