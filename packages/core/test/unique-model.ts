import fc from 'fast-check';
import type { UniqueOptions } from '../src/index.ts';

/** One step of a run: what callers, workers and operators do to the tasks of a key. */
export type Step =
  | { readonly kind: 'call'; readonly key: string }
  /** A caller that dies between taking the key and sending; another may call before anybody can know. */
  | { readonly kind: 'die'; readonly key: string; readonly followed: boolean }
  | { readonly kind: 'end'; readonly key: string; readonly how: 'ok' | 'fail' | 'retry' }
  | { readonly kind: 'revoke'; readonly key: string; readonly nth: number }
  | { readonly kind: 'purge' }
  /** Workers fetch from the queue, or do not. */
  | { readonly kind: 'consume'; readonly on: boolean };

const key = fc.constantFrom('a', 'b');

/** Random runs. Calls and ends are the most of them. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('call' as const), key }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), key, followed: fc.boolean() }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('end' as const), key, how: fc.constantFrom('ok', 'fail', 'retry') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('revoke' as const), key, nth: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'purge' as const }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('consume' as const), on: fc.boolean() }) },
  ),
  { minLength: 5, maxLength: 40 },
);

/** Every rule that looks at tasks, not at time. */
export const rules: readonly Required<Pick<UniqueOptions, 'scope' | 'onConflict'>>[] = (
  ['queued', 'running'] as const
).flatMap((scope) => (['reuse', 'reject', 'replace'] as const).map((onConflict) => ({ scope, onConflict })));

/** `again`: it has begun, and waits for another attempt. */
type State = 'waiting' | 'running' | 'again' | 'over';

/** What a call must come to: another task's result, an error, or a task of its own. */
export type Answer = { readonly holder: string } | 'new';

/** What `unique` means, without stores, claims or messages. */
export class UniqueModel {
  readonly #rule: (typeof rules)[number];
  readonly #tasks = new Map<string, { readonly key: string; state: State }>();
  consuming = false;

  constructor(rule: (typeof rules)[number]) {
    this.#rule = rule;
  }

  /** Who stands for a call with this key. */
  answer(key: string): Answer {
    const { scope, onConflict } = this.#rule;
    if (onConflict === 'replace') return 'new';
    const holders: readonly State[] = scope === 'queued' ? ['waiting'] : ['waiting', 'again', 'running'];
    const holder = this.of(key, ...holders)[0];
    return holder === undefined ? 'new' : { holder };
  }

  /** A call has sent a task of its own. */
  sent(key: string, id: string): void {
    if (this.#rule.onConflict === 'replace') for (const old of this.of(key, 'waiting')) this.set(old, 'over');
    this.#tasks.set(id, { key, state: 'waiting' });
  }

  set(id: string, state: State): void {
    const task = this.#tasks.get(id);
    if (task) task.state = state;
  }

  /** The tasks of a key in these states, oldest first. */
  of(key: string, ...states: readonly State[]): readonly string[] {
    return [...this.#tasks].filter(([, task]) => task.key === key && states.includes(task.state)).map(([id]) => id);
  }

  get keys(): readonly string[] {
    return [...new Set([...this.#tasks.values()].map((task) => task.key))];
  }

  all(...states: readonly State[]): readonly string[] {
    return this.keys.flatMap((name) => this.of(name, ...states));
  }

  /** Lets workers start what may be started. */
  settle(): void {
    if (!this.consuming) return;
    for (const name of this.keys) {
      const ready = [...this.of(name, 'again'), ...this.of(name, 'waiting')];
      if (this.#rule.scope === 'queued') for (const id of ready) this.set(id, 'running');
      else if (this.of(name, 'running').length === 0 && ready[0]) this.set(ready[0], 'running');
    }
  }
}
