import { afterAll, describe, expect, it } from 'vitest';
import { createTestClock } from '../test-clock.ts';
import { brokerConformance } from './broker/broker-conformance.ts';
import type { Harness } from './harness.ts';
import { declareSuite, type Suite } from './suite.ts';

const log: string[] = [];
let opened = 0;

const open = async (): Promise<Harness> => {
  opened += 1;
  const name = `harness ${opened}`;
  return { close: async () => void log.push(`close ${name}`) } as Partial<Harness> as Harness;
};

const suite: Suite<number> = {
  seam: 'example',
  createBench: () => opened,
  closeBench: async (bench) => void log.push(`close bench ${bench}`),
  cases: [
    { name: 'first', run: async (bench) => void log.push(`run ${bench}`) },
    { name: 'hopeless', run: async () => expect.unreachable() },
    { name: 'second', run: async (bench) => void log.push(`run ${bench}`) },
  ],
};

declareSuite(suite, 'nothing', { open, skip: { hopeless: 'shows that a skipped case is not run' } });

describe('a suite', () => {
  it('gives every case a fresh harness and closes bench and harness after it', () => {
    expect(log).toEqual(['run 1', 'close bench 1', 'close harness 1', 'run 2', 'close bench 2', 'close harness 2']);
  });

  it('refuses to skip a case that does not exist', () => {
    const skip = { 'no such case': 'because' };
    expect(() => declareSuite(suite, 'nothing', { open, skip })).toThrow(
      /example conformance: nothing.*"no such case"/,
    );
    expect(() => brokerConformance('nothing', { open, skip })).toThrow(/broker conformance: nothing.*"no such case"/);
  });

  it('refuses to skip without a reason', () => {
    expect(() => declareSuite(suite, 'nothing', { open, skip: { first: ' ' } })).toThrow(/needs a reason/);
  });

  it('refuses two cases of one name', () => {
    const cases = [...suite.cases, ...suite.cases];
    expect(() => declareSuite({ ...suite, cases }, 'nothing', { open })).toThrow(/two cases/);
  });
});

afterAll(() => {
  expect(createTestClock().pending).toBe(0);
  expect(opened).toBe(2);
});
