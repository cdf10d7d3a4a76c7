import type { JsonValue } from '@lovage/core/driver';
import { type CeleryTask, stampsOf } from '../protocol/celery-task.ts';
import type { Fields } from '../protocol/json-schema.ts';

/** As many as Celery remembers, and for as long (milliseconds). */
const most = 50_000;
const keptFor = 10_800_000;

/** What was taken back, as this process heard of it: each worker keeps its own list, as in Celery. */
export class RevokedTasks {
  readonly #ids = new Map<string, number>();
  readonly #stamps = new Map<string, Set<string>>();

  get ids(): readonly string[] {
    return [...this.#ids.keys()];
  }

  /** Ids with the moments they were taken back at, epoch seconds. */
  get table(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#ids].map(([id, at]) => [id, at / 1_000]));
  }

  add(ids: readonly string[], now: number): void {
    for (const id of ids) this.#ids.set(id, now);
    for (const [id, at] of this.#ids) {
      if (this.#ids.size <= most && now - at < keptFor) break;
      this.#ids.delete(id);
    }
  }

  addStamps(headers: Fields): void {
    for (const [name, value] of Object.entries(headers)) {
      const values = this.#stamps.get(name) ?? new Set();
      for (const one of valuesOf(value)) values.add(one);
      this.#stamps.set(name, values);
    }
  }

  has(task: CeleryTask): boolean {
    if (this.#ids.size > 0 && this.#ids.has(task.id)) return true;
    if (this.#stamps.size === 0) return false;
    const stamps = stampsOf(task.headers) ?? {};
    return [...this.#stamps].some(([name, values]) =>
      valuesOf(stamps[name] ?? null).some((value) => values.has(value)),
    );
  }
}

function valuesOf(value: JsonValue): readonly string[] {
  if (value === null) return [];
  return (Array.isArray(value) ? (value as readonly JsonValue[]) : [value]).map((one) => JSON.stringify(one));
}
