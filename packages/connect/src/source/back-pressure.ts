/** Keeps what waits in a queue below a bound, and asks for its depth only when the bound may have been reached. */
export class BackPressure {
  readonly #depth: () => Promise<number>;
  readonly #most: number;
  #known: number;

  constructor(most: number, depth: () => Promise<number>) {
    this.#most = most;
    this.#depth = depth;
    this.#known = most; // nothing is known yet
  }

  /** Whether more may be sent. A queue that cannot be counted rejects. */
  async open(): Promise<boolean> {
    if (this.#known < this.#most) return true;
    this.#known = await this.#depth();
    return this.#known < this.#most;
  }

  sent(count: number): void {
    this.#known += count;
  }
}
