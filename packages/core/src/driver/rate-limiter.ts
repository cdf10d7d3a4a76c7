/** Spaces starts evenly over all workers: every caller gets a moment of its own. */
export interface RateLimiter {
  /**
   * Takes the next free moment of a name, at least `interval` milliseconds (a fraction is kept) after the one before, and
   * tells how many milliseconds away it is by the store's clock: 0 is now. A moment that was taken is not given back.
   */
  reserve(name: string, interval: number): Promise<number>;
}
