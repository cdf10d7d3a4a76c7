/** What a stamp is compared with. */
export type StampValue = string | number | boolean;

/** Takes back every task that carries a stamp or a header of this name with this value. */
export interface RevocationRule {
  /** The name of the stamp or header. */
  readonly stamp: string;
  readonly value: StampValue;
  /** Break the tasks off where they run. */
  readonly terminate: boolean;
  /** When it was made, epoch ms. */
  readonly at: number;
  /** From when on it holds no more, epoch ms. */
  readonly expiresAt: number;
}

/** The rules that hold, and a mark that changes with them. */
export interface Revocations {
  readonly version: string;
  /** Absent when the version is the one that the asker knows. */
  readonly rules?: readonly RevocationRule[];
}

/** Keeps rules of revocation for every worker, those started later too. There are few of them; workers ask every few seconds. */
export interface RevocationStore {
  /** Adds rules; each takes the place of one with the same stamp and value. */
  add(rules: readonly RevocationRule[]): Promise<void>;
  /** The rules that have not expired, unless nothing has changed since `version`. */
  read(version?: string): Promise<Revocations>;
  /** Takes rules back. Returns how many of them were there. */
  remove(rules: readonly Pick<RevocationRule, 'stamp' | 'value'>[]): Promise<number>;
}
