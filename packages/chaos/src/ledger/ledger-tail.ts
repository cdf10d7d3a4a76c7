import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const chunk = Buffer.alloc(1 << 16);
const mark = '["START"';

/** Counts the runs that have started, while the ledgers are written: reads only what is new. */
export class LedgerTail {
  readonly #sharedRegistry: string;
  readonly #offsets = new Map<string, number>();
  readonly #rests = new Map<string, string>();
  #runs = 0;

  constructor(directory: string) {
    this.#sharedRegistry = directory;
  }

  /** How many runs have started by now, over all processes. */
  runs(): number {
    for (const file of readdirSync(this.#sharedRegistry)) if (file.startsWith('worker-')) this.#read(file);
    return this.#runs;
  }

  #read(file: string): void {
    const handle = openSync(join(this.#sharedRegistry, file), 'r');
    try {
      for (;;) {
        const offset = this.#offsets.get(file) ?? 0;
        const size = readSync(handle, chunk, 0, chunk.length, offset);
        if (size === 0) return;
        this.#offsets.set(file, offset + size);
        this.#count(file, chunk.toString('utf8', 0, size));
      }
    } finally {
      closeSync(handle);
    }
  }

  #count(file: string, text: string): void {
    const lines = ((this.#rests.get(file) ?? '') + text).split('\n');
    this.#rests.set(file, lines.pop() ?? '');
    this.#runs += lines.filter((line) => line.startsWith(mark)).length;
  }
}
