/** What somebody did, or tried to do. */
export interface AuditEntry {
  /** Epoch ms. */
  readonly at: number;
  readonly who: string;
  readonly action: string;
  readonly target: string;
  /** `done`, how many, or the error's message. */
  readonly outcome: string;
}
