/**
 * The slots of a worker that has batch tasks. A batch takes one, whatever its size, while its items are as many deliveries
 * of the broker: so the broker is given room for them beside the slots. Whoever runs passes the gate, so that no more run
 * than there are slots whatever the broker brings.
 */
export class SlotGate {
  /** Told how many deliveries the broker may hand over, once per turn. */
  onChange: (brokerSlots: number) => void = () => {};
  readonly #waiting: (() => void)[] = [];
  #slots: number;
  #busy = 0;
  /** Deliveries that hold no slot. */
  #extra = 0;
  #telling = false;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** How many run. */
  get busy(): number {
    return this.#busy;
  }

  setSlots(slots: number): void {
    this.#slots = slots;
    this.#acquireNext();
    this.#tell();
  }

  /** So many more, or fewer, deliveries hold no slot. */
  addExtra(count: number): void {
    this.#extra += count;
    this.#tell();
  }

  /** Calls `run` as soon as there is a slot, which `leave` gives back. */
  enter(run: () => void): void {
    this.#waiting.push(run);
    this.#acquireNext();
  }

  leave(): void {
    this.#busy -= 1;
    this.#acquireNext();
  }

  #acquireNext(): void {
    while (this.#busy < this.#slots) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#busy += 1;
      next();
    }
  }

  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.onChange(this.#slots + this.#extra);
    });
  }
}
