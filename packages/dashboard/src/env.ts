import type { Lovage } from '@lovage/core';
import type { Inspector, RunHistory } from '@lovage/core/inspect';
import type { Viewer } from './access.ts';
import type { AuditEntry } from './audit.ts';
import type { Redactor } from './redact.ts';
import type { Sampler } from './sampler.ts';

/** What a request carries with it. */
export interface Env {
  Variables: { viewer: Viewer };
}

/** What the addresses of the API are made of. */
export interface Parts {
  readonly app: Lovage;
  readonly inspector: Inspector;
  readonly history: RunHistory;
  readonly sampler: Sampler;
  readonly redactor: Redactor;
  /** Writes an action down. */
  readonly record: (entry: AuditEntry) => Promise<void>;
}
