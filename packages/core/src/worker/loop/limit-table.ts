import type { Message } from '../../message/message.ts';

/** One slot: when the hard limit passes, the number under which the handler was entered, the label's length, the label. */
const slotBytes = 128;
const labelAt = 12;
const slotInts = slotBytes / Int32Array.BYTES_PER_ELEMENT;
const firstSlots = 32;
/** Limits beyond 24 days do not fit the table, and no block of the event loop lasts that long. */
const longestLimit = 2 ** 31 - 1;

/** Milliseconds of a clock that every thread of the process shares, modulo 2³². */
function sharedNow(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) | 0;
}

/**
 * The hard time limits of the tasks that run on the event loop, in memory that a thread beside the loop reads: while the
 * loop is blocked, none of its own timers fires. A task without a limit is not entered; one with a limit costs about 1 µs.
 */
export class LimitTable {
  memory: SharedArrayBuffer = new SharedArrayBuffer(firstSlots * slotBytes);
  #numbers = new Int32Array(this.memory);
  #bytes: Buffer = Buffer.from(this.memory);
  readonly #free: number[] = slotsFrom(0, firstSlots);
  /** Told of larger memory, which takes the place of the old. */
  readonly #onGrow: (memory: SharedArrayBuffer) => void;

  constructor(onGrow: (memory: SharedArrayBuffer) => void) {
    this.#onGrow = onGrow;
  }

  /** Enters a task whose limit (in milliseconds) begins now; undefined when the limit is too long to matter. */
  begin({ id, task }: Pick<Message, 'id' | 'task'>, limit: number): number | undefined {
    if (limit > longestLimit) return undefined;
    const slot = this.#free.pop() ?? this.#grow();
    const at = slot * slotInts;
    this.#numbers[at + 1] = 0;
    this.#numbers[at + 2] = this.#bytes.write(`${id} ${task}`, slot * slotBytes + labelAt, slotBytes - labelAt);
    this.#numbers[at] = (sharedNow() + Math.ceil(limit)) | 0 || 1; // 0: an empty slot
    return slot;
  }

  /** Its handler's synchronous part begins, under this number. */
  enter(slot: number, number: number): void {
    this.#numbers[slot * slotInts + 1] = number;
  }

  end(slot: number): void {
    this.#numbers[slot * slotInts] = 0;
    this.#free.push(slot);
  }

  #grow(): number {
    const slots = this.memory.byteLength / slotBytes;
    const memory = new SharedArrayBuffer(this.memory.byteLength * 2);
    const numbers = new Int32Array(memory);
    numbers.set(this.#numbers);
    this.memory = memory;
    this.#numbers = numbers;
    this.#bytes = Buffer.from(memory);
    this.#free.push(...slotsFrom(slots, slots * 2));
    this.#onGrow(memory);
    return this.#free.pop() as number; // just pushed
  }
}

/** The lowest is taken first. */
function slotsFrom(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => end - 1 - index);
}

/** A task that runs beyond its hard limit. */
export interface OverdueTask {
  readonly id: string;
  /** Its name; may be cut off where it and the id are longer than 115 bytes. */
  readonly task: string;
}

/**
 * In the thread: the tasks whose hard limit passed at least `grace` milliseconds ago. When a handler is known to be in its
 * synchronous part (`entered` is not 0), it alone blocks the loop, and no other task is to blame.
 */
export function overdueTasks(
  memory: SharedArrayBuffer,
  { grace, entered }: { readonly grace: number; readonly entered: number },
): readonly OverdueTask[] {
  const numbers = new Int32Array(memory);
  const now = sharedNow();
  const found: OverdueTask[] = [];
  for (let at = 0; at < numbers.length; at += slotInts) {
    const limit = Atomics.load(numbers, at);
    if (limit === 0 || ((now - limit) | 0) < grace) continue;
    if (entered === 0 || numbers[at + 1] === entered) found.push(readLabel(memory, at));
  }
  return found;
}

function readLabel(memory: SharedArrayBuffer, at: number): OverdueTask {
  const length = new Int32Array(memory)[at + 2] as number;
  const text = Buffer.from(memory, at * Int32Array.BYTES_PER_ELEMENT + labelAt, length).toString();
  const space = text.indexOf(' ');
  return space < 0 ? { id: text, task: '' } : { id: text.slice(0, space), task: text.slice(space + 1) };
}
