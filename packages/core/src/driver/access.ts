/** What a process does, as far as the store's own access control is concerned. `beat` sends what schedules say. */
export const accessRoles = ['producer', 'worker', 'beat', 'monitor', 'operator'] as const;
export type AccessRole = (typeof accessRoles)[number];

/** Which user of the store is wanted. */
export interface AccessRequest {
  readonly role: AccessRole;
  /** Queues, or globs over them; empty: all. */
  readonly queues: readonly string[];
  /** The app's `prefix`. */
  readonly prefix: string | undefined;
  /** The user's name. */
  readonly user: string;
}

/** A user with the least rights for a role. */
export interface AccessGrant {
  /** Statements for the store's administrator, in order, with {@link passwordPlaceholder} where the secret goes. */
  readonly statements: readonly string[];
  /** What to know of them, a sentence each. */
  readonly notes: readonly string[];
}

/** Stands where a secret goes: none is made or printed. */
export const passwordPlaceholder = '<password>';
