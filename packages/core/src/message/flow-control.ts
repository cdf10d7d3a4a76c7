/** What a message waits for its turn in, decided where it was sent. */
export interface FlowControl {
  /** Its ordering key. */
  readonly order?: string;
  /** Its fair share. */
  readonly share?: Share;
  /** It has had its turn in its fair share, and is not asked again. */
  readonly served?: boolean;
  /** The message whose place it takes over: the one it is the replay of. */
  readonly replaces?: { readonly queue: string; readonly id: string };
  /** Where a worker held it. It counts while the message is held. Absent: it was held when it was sent, if at all. */
  readonly at?: BlockedAt;
}

/** The line that a held message stands in. */
export interface BlockedAt {
  readonly group: string;
  readonly limit: number;
  readonly flow?: string;
  readonly cost?: number;
}

/** Whose messages share a queue fairly. */
export interface Share {
  /** The tenant. */
  readonly key: string;
  /** 1 divided by the tenant's weight. */
  readonly cost: number;
  /** How many of all tenants' messages stand ready in the queue. */
  readonly window: number;
}
