import { expect } from 'vitest';
import type { AckJoin, Settlement } from '../../../driver/broker.ts';
import type { JoinState } from '../../../driver/result-backend.ts';
import type { Message } from '../../../message/message.ts';
import { newTaskId } from '../../../message/task-id.ts';
import { deferred, until, within } from '../../until.ts';
import type { ConformanceCase } from '../suite.ts';
import { ack, type BrokerBench, createMessage, successOf } from './broker-bench.ts';

const ttl = 60_000;

function assertJoins(bench: BrokerBench): void {
  expect(bench.connection.acksWithJoin, 'skip this case: the driver acks without joins').toBe(true);
}

/** What a case does with the members of one group, and what the broker told of them. */
class Members {
  readonly groupId: string = newTaskId();
  readonly states: JoinState[] = [];
  readonly #size: number | undefined;
  #acked = 0;

  constructor(size?: number) {
    this.#size = size;
  }

  /** Acks the next member, or this one. */
  ack({ id }: Message, follow: AckJoin['follow'] = async () => ack, at?: number): Settlement {
    const { groupId } = this;
    const index = at ?? this.#acked;
    this.#acked += 1;
    const size = this.#size === undefined ? {} : { size: this.#size };
    const info = (state: JoinState): Promise<Settlement> => {
      this.states.push(state);
      return follow(state);
    };
    return {
      kind: 'ack',
      outcome: { record: successOf(id, 'done'), ttl },
      join: { groupId, index, ttl, ...size, follow: info },
    };
  }

  /** Whether all have ended, asked of the store: a member that ended before joins again. */
  async state(bench: BrokerBench, size: number): Promise<JoinState> {
    return bench.results.join({ groupId: this.groupId, index: 0, succeeded: true, ttl, size });
  }
}

export const brokerJoinCases: readonly ConformanceCase<BrokerBench>[] = [
  {
    name: 'ack with a join stores the outcome, records the member and removes the message',
    async run(bench) {
      assertJoins(bench);
      const members = new Members(4);
      await bench.probe({ slots: 10, handle: ({ message }) => members.ack(message) });
      const ids = await bench.publishMany(3);
      await bench.emptied();
      for (const id of ids) expect(await bench.record(id)).toMatchObject({ state: 'SUCCESS', value: 'done' });
      expect(members.states).toEqual([]);
      expect(await members.state(bench, 4)).toEqual({ done: 3, failed: 0, complete: false });
      expect(await members.state(bench, 3)).toEqual({ done: 3, failed: 0, complete: true });
    },
  },
  {
    name: 'the ack of one member waits for what follows when its group is complete',
    async run(bench) {
      assertJoins(bench);
      const members = new Members(20);
      const [asked, gate] = [deferred(), deferred()];
      const follow = async (): Promise<Settlement> => {
        asked.resolve();
        await gate.promise;
        return ack;
      };
      await bench.probe({ slots: 30, handle: ({ message }) => members.ack(message, follow) });
      const ids = await bench.publishMany(20);
      await within(asked.promise, { what: 'what follows' });
      await until(async () => (await bench.counts()).running === 1, { what: 'one member to be left' });
      for (const id of ids) expect(await bench.record(id)).toMatchObject({ state: 'SUCCESS' });
      gate.resolve();
      await bench.emptied();
      expect(members.states).toEqual([{ done: 20, failed: 0, complete: true }]);
    },
  },
  {
    name: 'ack with a join counts with members that joined otherwise, and learns the size from them',
    async run(bench) {
      assertJoins(bench);
      const members = new Members();
      const { groupId } = members;
      await bench.results.join({ groupId, index: 5, succeeded: false, ttl, size: 3, announcesSize: true });
      await bench.probe({ handle: ({ message }) => members.ack(message) });
      await bench.publishMany(2);
      await bench.emptied();
      expect(members.states).toEqual([{ done: 3, failed: 1, complete: true }]);
    },
  },
  {
    name: 'ack with a join where another outcome stands records nothing, and asks what to do',
    async run(bench) {
      assertJoins(bench);
      const members = new Members(2);
      const { id } = createMessage();
      const record = { id, task: 'math.add', state: 'REVOKED', reason: 'revoked', attempts: 0, at: Date.now() };
      await bench.results.put([{ record, ttl }]);
      await bench.probe({ handle: ({ message }) => members.ack(message, undefined, 1) });
      await bench.publish({ id });
      await bench.emptied();
      expect(members.states).toEqual([{ done: 0, failed: 0, complete: false, refused: true }]);
      expect(await bench.record(id)).toMatchObject({ state: 'REVOKED' });
      expect(await members.state(bench, 2)).toMatchObject({ done: 1 });
    },
  },
  {
    name: 'a member whose follow-up is given up goes back and comes again',
    async run(bench) {
      assertJoins(bench);
      const members = new Members(1);
      const probe = await bench.probe({
        handle: ({ message }) =>
          members.ack(message, async () => (members.states.length === 1 ? { kind: 'release' } : ack), 0),
      });
      const { id } = await bench.publish();
      await probe.arrived(2);
      await bench.emptied();
      expect(probe.ids()).toEqual([id, id]);
      expect(members.states).toMatchObject([{ complete: true }, { refused: true }]);
    },
  },
];
