/**
 * What a call may hold and a worker can read: one table for both sides, so that whatever a call accepts can be delivered.
 * Lengths are counted in UTF-16 code units, as `String.length` is.
 */
export const limits = {
  /** Levels of lists and objects in one value: an argument list, headers, stamps, a result. `JSON.stringify` overflows the stack near 5,000. */
  valueDepth: 64,
  /** Levels of a whole message: a result that is piped on stands in `args` of the message, two levels deeper than by itself. */
  messageDepth: 72,
  taskName: 500,
  taskId: 200,
  queueName: 200,
  /** Keys of `concurrency`, `orderingKey` and `fairness`: they are parts of names in the store. */
  key: 500,
  /** How many tags a task has, and a call. */
  tags: 20,
  /** One tag. */
  tag: 100,
  /** Of an inbox. */
  address: 200,
  /** The most that `maxPayload` and `maxResult` can be set to, in bytes. */
  payloadBytes: 67_108_864,
  /** The most that the headers of a call take, and its stamps, whatever `maxPayload` is. */
  fieldBytes: 8_388_608,
  /** A whole message in characters: arguments, headers and stamps at their limits, and 1 MiB for everything else. */
  messageCharacters: 84_934_656,
  /** Canvases, callbacks and signatures inside one another: each level is one call of a recursive function. */
  canvasDepth: 500,
  /** Tasks that one worker runs at once: each is kept in memory, and a slot costs a lease. */
  slots: 10_000,
} as const;
