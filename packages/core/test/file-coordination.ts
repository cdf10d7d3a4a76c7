import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Coordination, StoredDocument } from '../src/driver/coordination.ts';

/**
 * A coordination of files in one folder: as little as a driver has to write for locks, unique keys, schedules, registries, revocations,
 * rate limits and semaphores. A document is a file; who makes its lock, a folder, may write it.
 */
export class FileCoordination implements Coordination {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async read(key: string): Promise<StoredDocument | undefined> {
    return this.#read(this.#fileOf(key));
  }

  async compareAndSet(key: string, version: string | undefined, text: string): Promise<boolean> {
    const file = this.#fileOf(key);
    if (!lock(`${file}.lock`)) return false;
    try {
      if (this.#read(file)?.version !== version) return false;
      writeFileSync(`${file}.draft`, `${randomUUID()}\n${text}`);
      renameSync(`${file}.draft`, file);
      return true;
    } finally {
      rmdirSync(`${file}.lock`);
    }
  }

  #read(file: string): StoredDocument | undefined {
    try {
      const [version = '', text = ''] = readFileSync(file, 'utf8').split('\n');
      return { version, text };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #fileOf(key: string): string {
    return join(this.#folder, encodeURIComponent(key));
  }
}

/** False: another one writes. */
function lock(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
