/** Calls `text`'s listener with the topic it came by. */
export type TopicListener = (text: string, topic: string) => void;

/** Topics and who listens to them: the wiring under the bus. */
export class MemoryTopics {
  readonly #exact = new Map<string, Set<TopicListener>>();
  /** Keyed by what stands before the `*`: `a.` for `a.*`. */
  readonly #prefixes = new Map<string, Set<TopicListener>>();

  /** Tells the listeners in a microtask: after whatever the publisher does in this turn. */
  publish(topic: string, text: string): void {
    for (const listeners of this.#matching(topic)) {
      for (const listener of listeners) {
        queueMicrotask(() => {
          if (listeners.has(listener)) listener(text, topic);
        });
      }
    }
  }

  /** Returns what ends the listening. A listener is one subscription: give each its own function. */
  listen(pattern: string, listener: TopicListener): () => void {
    const wild = pattern === '*' || pattern.endsWith('.*');
    const map = wild ? this.#prefixes : this.#exact;
    const key = wild ? pattern.slice(0, -1) : pattern;
    const listeners = map.get(key) ?? new Set();
    map.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && map.get(key) === listeners) map.delete(key);
    };
  }

  *#matching(topic: string): Iterable<Set<TopicListener>> {
    const exact = this.#exact.get(topic);
    if (exact) yield exact;
    for (const [prefix, listeners] of this.#prefixes) {
      if (topic.startsWith(prefix) && topic.length > prefix.length) yield listeners;
    }
  }
}
