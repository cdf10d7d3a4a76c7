import type { Clock } from '../../../clock.ts';
import type { JsonValue } from '../../../message/json.ts';
import type { Directory, DirectoryEntry } from '../../shared-registry.ts';

interface Row {
  readonly text: string;
  readonly until: number | undefined;
}

/** The books of a store. */
export class MemoryBooks {
  readonly #clock: Clock;
  readonly #books = new Map<string, Map<string, Row>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  put(book: string, name: string, { text, ttl }: { readonly text: string; readonly ttl: number | undefined }): void {
    const rows = this.#books.get(book) ?? new Map<string, Row>();
    this.#books.set(book, rows.set(name, { text, until: ttl === undefined ? undefined : this.#clock.now() + ttl }));
  }

  list(book: string): readonly DirectoryEntry[] {
    const now = this.#clock.now();
    return [...(this.#books.get(book) ?? [])].map(([name, { text, until }]) => ({
      name,
      value: JSON.parse(text) as JsonValue,
      ...(until === undefined || until > now ? {} : { expiredFor: now - until }),
    }));
  }

  remove(book: string, names: readonly string[]): number {
    const rows = this.#books.get(book);
    return names.filter((name) => rows?.delete(name)).length;
  }
}

/** The books, as one connection sees them. */
export function createMemoryDirectory(books: MemoryBooks, assertOpen: () => void): Directory {
  return {
    put: async (book, name, value, ttl) => {
      assertOpen();
      books.put(book, name, { text: JSON.stringify(value), ttl });
    },
    list: async (book) => {
      assertOpen();
      return books.list(book);
    },
    remove: async (book, names) => {
      assertOpen();
      return books.remove(book, names);
    },
  };
}
