import { expect, it } from 'vitest';
import { BrokerMemoryError, ConfigurationError } from '../src/errors.ts';
import type { Logger } from '../src/logger.ts';
import { createTestClock } from '../src/testing/test-clock.ts';
import { registerGroups } from '../src/worker/background/register-groups.ts';

function bench(errors: Error[]) {
  const clock = createTestClock();
  const lines: string[] = [];
  const line = (message: string) => void lines.push(message);
  const logger: Logger = { debug: line, info: line, warn: line, error: line, child: () => logger };
  const closers = new Set<() => Promise<unknown>>();
  let tries = 0;
  const topicGroups = {
    async register() {
      tries += 1;
      const error = errors.shift();
      if (error) throw error;
    },
  };
  const runtime = { clock, logger, closers, topicGroups } as unknown as Parameters<typeof registerGroups>[0]; // as much as it uses
  return { clock, lines, closers, runtime, tries: () => tries };
}

it('a store that is full keeps no worker from starting, and is asked again', async () => {
  const { clock, lines, runtime, tries, closers } = bench([
    new BrokerMemoryError('full'),
    new BrokerMemoryError('full'),
  ]);
  await registerGroups(runtime);
  expect([tries(), closers.size]).toEqual([1, 1]);
  await clock.advance(5_000);
  await clock.advance(5_000);
  expect([tries(), closers.size, lines.length]).toEqual([3, 0, 2]);
  expect(clock.pending).toBe(0);
});

it('the end of the app ends it; what stays wrong is thrown', async () => {
  const { clock, runtime, closers } = bench([new BrokerMemoryError('full')]);
  await registerGroups(runtime);
  await Promise.all([...closers].map((close) => close()));
  expect(clock.pending).toBe(0);
  await expect(registerGroups(bench([new ConfigurationError('taken')]).runtime)).rejects.toThrow('taken');
});
