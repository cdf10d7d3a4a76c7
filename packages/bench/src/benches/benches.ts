import type { BenchName } from '../bars.ts';
import type { Bench } from '../bench.ts';

/** Every bench, loaded when it is asked for. */
export const benches: Readonly<Record<BenchName, () => Promise<Bench>>> = {
  throughput: async () => (await import('./throughput.ts')).throughput,
  scale: async () => (await import('./scale.ts')).scale,
  latency: async () => (await import('./latency.ts')).latency,
  memory: async () => (await import('./memory.ts')).memory,
  chord: async () => (await import('./chord.ts')).chord,
  await: async () => (await import('./await.ts')).awaitResults,
  startup: async () => (await import('./startup.ts')).startup,
  events: async () => (await import('./events.ts')).events,
  idle: async () => (await import('./idle.ts')).idle,
  celery: async () => (await import('./celery.ts')).celeryQueues,
  workflow: async () => (await import('./workflow.ts')).workflow,
  soak: async () => (await import('./soak.ts')).soak,
};
