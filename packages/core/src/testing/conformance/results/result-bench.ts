import { expect } from 'vitest';
import type {
  JoinMember,
  JoinState,
  ResultBackend,
  ResultNotification,
  Subscription,
} from '../../../driver/result-backend.ts';
import type { OutcomeRecord, OutcomeWrite } from '../../../message/outcome.ts';
import { newTaskId } from '../../../message/task-id.ts';
import { until } from '../../until.ts';
import type { Harness } from '../harness.ts';

/** A listener at an inbox that writes down its rings. */
export interface Bell {
  readonly rings: readonly ResultNotification[];
  readonly subscription: Subscription;
  /** Resolves when `count` rings have come. */
  rung(count: number): Promise<void>;
}

/** What a case about results works at. */
export class ResultBench {
  readonly harness: Harness;

  constructor(harness: Harness) {
    this.harness = harness;
  }

  get results(): ResultBackend {
    expect(this.harness.connection.results, 'the harness must give a result backend').toBeDefined();
    return this.harness.connection.results as ResultBackend;
  }

  async put(record: OutcomeRecord, more: Partial<OutcomeWrite> = {}): Promise<boolean | undefined> {
    return (await this.results.put([{ record, ttl: 60_000, ...more }]))[0];
  }

  async get(id: string): Promise<OutcomeRecord | undefined> {
    return (await this.results.get([id]))[0];
  }

  async bell(inbox: string, results: ResultBackend = this.results): Promise<Bell> {
    const rings: ResultNotification[] = [];
    const subscription = await results.watch(inbox, (ring) => rings.push(ring));
    const rung = async (count: number): Promise<void> => {
      await until(() => rings.length >= count, { what: () => `${count} rings, got ${rings.length}` });
    };
    return { rings, subscription, rung };
  }

  join(member: Partial<JoinMember>): Promise<JoinState> {
    return this.results.join({ groupId: 'group-1', index: 0, size: 3, succeeded: true, ttl: 60_000, ...member });
  }
}

/** A record of that state with a new id; `fields` replace the defaults. */
export function createRecord(state: string, fields: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return { id: newTaskId(), task: 'math.add', state, attempts: 1, at: Date.now(), ...fields };
}
