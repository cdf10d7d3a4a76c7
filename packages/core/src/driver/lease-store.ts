/** Who may act, and for how long. Every grant of a name has a larger fencing token than the one before. */
export interface LeaseStore {
  /** The lease, or undefined while another owner holds it. The same owner asking again keeps its token and renews. */
  acquire(name: string, owner: string, ttl: number): Promise<{ readonly token: number } | undefined>;
  /** False when the lease is no longer this owner's. */
  renew(name: string, owner: string, ttl: number): Promise<boolean>;
  /** False when there was nothing of this owner's to release. */
  release(name: string, owner: string): Promise<boolean>;
}
