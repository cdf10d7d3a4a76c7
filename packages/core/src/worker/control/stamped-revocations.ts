import type { Clock } from '../../clock.ts';
import type { ResultBackend } from '../../driver/result-backend.ts';
import type { RevocationRule, RevocationStore } from '../../driver/revocation-store.ts';
import { TaskRevokedError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import { hasStamp } from '../../message/stamp.ts';
import { OutcomeWriter } from '../../results/outcome-writer.ts';
import type { Attempt } from '../execution/attempt.ts';
import type { WorkerStats } from '../reporting/worker-stats.ts';

/** What following the rules needs. */
export interface StampedRevocationsOptions {
  readonly store: RevocationStore | undefined;
  readonly results: ResultBackend | undefined;
  readonly stats: WorkerStats;
  readonly clock: Clock;
  readonly resultExpires: number;
}

/**
 * The rules that take tasks back by their stamps, as this worker knows them. The store is the truth: it is read at the
 * start, when a command says that rules were made, and every few seconds, since a command may be lost.
 */
export class StampedRevocations {
  readonly #options: StampedRevocationsOptions;
  #version: string | undefined;
  #rules: readonly RevocationRule[] = [];
  /** Whether there is any rule; nearly always not. */
  hasRules = false;
  /** The rules that have been followed for what ran when they were made. */
  #followed: ReadonlySet<string> = new Set();

  constructor(options: StampedRevocationsOptions) {
    this.#options = options;
  }

  /** Whether this message is taken back. While there is no rule, one comparison. */
  covers(message: Message): boolean {
    if (this.#rules.length === 0 || (message.stamps === undefined && message.headers === undefined)) return false;
    const now = this.#options.clock.now();
    return this.#rules.some((rule) => rule.expiresAt > now && hasStamp(message, rule.stamp, rule.value));
  }

  /** Reads the rules now, and follows new ones for what runs here. Returns the ids of those tasks. */
  async refresh(): Promise<readonly string[]> {
    const { version, rules } = (await this.#options.store?.read(this.#version)) ?? { version: undefined };
    if (rules === undefined) return [];
    this.hasRules = rules.length > 0;
    this.#rules = rules; // from here on, what begins is asked about; what had begun is looked through below
    const meant = this.#running(rules.filter((rule) => !this.#followed.has(nameOf(rule))));
    await this.#record(meant.map(({ message }) => message));
    for (const { attempt, terminate } of meant) if (terminate) this.#interrupt(attempt);
    this.#followed = new Set(rules.map(nameOf)); // not before it is done: where it failed, the next reading does it again
    this.#version = version;
    return meant.map(({ message }) => message.id);
  }

  #running(rules: readonly RevocationRule[]): readonly Meant[] {
    if (rules.length === 0) return [];
    return this.#options.stats.attempts.flatMap((attempt) => {
      const { message } = attempt;
      const hits = rules.filter(({ stamp, value }) => hasStamp(message, stamp, value));
      return hits.length === 0 ? [] : [{ attempt, message, terminate: hits.some(({ terminate }) => terminate) }];
    });
  }

  /** Its waiters are told, and what its handler still comes to has no effect. */
  async #record(messages: readonly Message[]): Promise<void> {
    const { results, clock, resultExpires } = this.#options;
    if (messages.length === 0 || results === undefined) return;
    await new OutcomeWriter({ results, now: () => clock.now(), resultExpires }).revoke(messages, 'revoked');
  }

  #interrupt({ context }: Attempt): void {
    this.#options.stats.noteTerminated(context.id);
    context.interrupt(new TaskRevokedError(context.id, 'terminated'), { state: 'REVOKED', reason: 'terminated' });
  }
}

interface Meant {
  readonly attempt: Attempt;
  readonly message: Message;
  readonly terminate: boolean;
}

/** The same stamp revoked again is another rule: it may say terminate now. */
function nameOf({ stamp, value, at }: RevocationRule): string {
  return JSON.stringify([stamp, value, at]);
}
