/** Celery's logical clock: orders events of a fleet whose clocks differ. */
export class LamportClock {
  #value = 0;

  get value(): number {
    return this.#value;
  }

  forward(): number {
    this.#value += 1;
    return this.#value;
  }

  adjust(other: number): void {
    if (Number.isSafeInteger(other)) this.#value = Math.max(this.#value, other) + 1;
  }
}
