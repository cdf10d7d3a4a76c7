import { describe, expect, it } from 'vitest';
import { Lovage } from '../src/app/app.ts';
import { chain } from '../src/canvas/chain.ts';
import { chord } from '../src/canvas/chord.ts';
import type { AnySignature } from '../src/canvas/signature.ts';
import { silentLogger } from '../src/logger.ts';
import { newTaskId } from '../src/message/task-id.ts';
import { canvasTasks } from '../src/testing/scenarios/canvas/canvas-scenarios.ts';
import { startWorker } from '../src/worker.ts';
import { createCrashingDriver } from './crashing-driver.ts';

const alive = { next: () => ({ steps: undefined, lastCounts: true, ackLost: false }) };

/** The longest message that is published while a chain of `chords` chords of `members` each runs. */
async function longestMessage(chords: number, members: number): Promise<number> {
  let longest = 0;
  const inner = createCrashingDriver(alive, () => {});
  const driver: typeof inner = {
    ...inner,
    connect(url, context) {
      const connection = inner.connect(url, context);
      const { broker } = connection;
      if (broker === undefined) return connection;
      const publish: typeof broker.publish = (messages, signal) => {
        for (const message of messages) longest = Math.max(longest, JSON.stringify(message).length);
        return broker.publish(messages, signal);
      };
      return { ...connection, broker: { ...broker, publish } };
    },
  };
  const app = new Lovage('size', { broker: `crashing://${newTaskId()}`, drivers: [driver], logger: silentLogger });
  try {
    const { add, xsum } = canvasTasks(app);
    await startWorker(app, { concurrency: 10 });
    const first = chord(
      Array.from({ length: members }, () => add.s(1, 1)),
      xsum.s(),
    );
    const later = chord(
      Array.from({ length: members }, () => add.s(1)),
      xsum.s(),
    );
    const steps: AnySignature[] = [first, ...Array.from({ length: chords - 1 }, () => later)];
    await chain(...(steps as [AnySignature])).call([], { timeout: '20s' });
    return longest;
  } finally {
    await app.close();
  }
}

describe('the size of a message', () => {
  it('does not grow with the members of a canvas, nor with its steps', async () => {
    const small = await longestMessage(2, 2);
    expect(small).toBeLessThan(700);
    expect(await longestMessage(5, 10)).toBeLessThan(small + 20); // longer indexes, larger numbers
    expect(await longestMessage(3, 300)).toBeLessThan(small + 20);
  });
});
