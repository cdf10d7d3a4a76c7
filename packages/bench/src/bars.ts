// The bars of the performance page, as data: what is measured, against what, and what must hold.

/** One comparison that must hold. */
export interface Bar {
  readonly id: string;
  readonly bench: BenchName;
  readonly name: string;
  readonly unit: string;
  /** What the figure is divided by; undefined: the bar is on the figure itself. */
  readonly against?: string;
  readonly limit: { readonly atLeast: number } | { readonly atMost: number };
  /** Why it cannot be measured yet. */
  readonly missing?: string;
}

export type BenchName =
  | 'throughput'
  | 'scale'
  | 'latency'
  | 'memory'
  | 'chord'
  | 'await'
  | 'startup'
  | 'idle'
  | 'events'
  | 'soak'
  | 'celery'
  | 'workflow';

export const bars: readonly Bar[] = [
  {
    id: 'W1',
    bench: 'workflow',
    name: 'workflow steps, 50 runs at once',
    unit: 'steps/s',
    limit: { atLeast: 8_000 },
  },
  {
    id: 'W1 DBOS',
    bench: 'workflow',
    name: 'workflow steps, 50 runs at once',
    unit: 'steps/s',
    against: 'DBOS steps, 50 runs at once',
    limit: { atLeast: 10 },
  },
  {
    id: 'W1 Restate',
    bench: 'workflow',
    name: 'workflow steps, 50 runs at once',
    unit: 'steps/s',
    against: 'Restate steps, 50 runs at once',
    limit: { atLeast: 10 },
  },
  { id: 'W2', bench: 'workflow', name: 'workflow of one step p50', unit: 'ms', limit: { atMost: 2 } },
  {
    id: 'W2 DBOS',
    bench: 'workflow',
    name: 'workflow of one step p50',
    unit: 'ms',
    against: 'DBOS run of one step p50',
    limit: { atMost: 0.25 },
  },
  {
    id: 'W3',
    bench: 'workflow',
    name: 'workflow steps, appendfsync always',
    unit: 'steps/s',
    limit: { atLeast: 4_000 },
  },
  { id: 'W4', bench: 'workflow', name: 'workflow: 1,000 steps in a row', unit: 'ms', limit: { atMost: 700 } },
  { id: 'W5', bench: 'workflow', name: 'workflow: replay of 1,000 steps', unit: 'ms', limit: { atMost: 50 } },
  { id: 'W6', bench: 'workflow', name: 'workflow: Node CPU of a step', unit: 'µs', limit: { atMost: 80 } },
  { id: 'W7', bench: 'workflow', name: 'workflow: Redis memory of a step', unit: 'B', limit: { atMost: 150 } },
  {
    id: 'C1',
    bench: 'celery',
    name: 'celery+redis:// run, results stored',
    unit: 'tasks/s',
    against: 'celery run (prefork, 8)',
    limit: { atLeast: 12 },
  },
  {
    id: 'C2',
    bench: 'celery',
    name: 'celery+redis:// send',
    unit: 'tasks/s',
    against: 'celery send (delay)',
    limit: { atLeast: 8 },
  },
  {
    id: 'P1a',
    bench: 'throughput',
    name: 'redis:// run, results stored',
    unit: 'tasks/s',
    against: 'bullmq run, no results',
    limit: { atLeast: 0.75 },
  },
  {
    id: 'P1b',
    bench: 'throughput',
    name: 'redis:// whole trip',
    unit: 'tasks/s',
    against: 'bullmq whole trip (waitUntilFinished)',
    limit: { atLeast: 1.25 },
  },
  {
    id: 'P1b',
    bench: 'throughput',
    name: 'redis:// whole trip',
    unit: 'tasks/s',
    against: 'celery whole trip',
    limit: { atLeast: 15 },
  },
  {
    id: 'P2a',
    bench: 'throughput',
    name: 'redis+streams:// run, results stored',
    unit: 'tasks/s',
    against: 'bullmq run, no results',
    limit: { atLeast: 4 },
  },
  {
    id: 'P2a',
    bench: 'throughput',
    name: 'redis+streams:// run, results stored',
    unit: 'tasks/s',
    against: 'bee-queue run',
    limit: { atLeast: 2.5 },
  },
  {
    id: 'P2a',
    bench: 'throughput',
    name: 'redis+streams:// run, results stored',
    unit: 'tasks/s',
    against: 'groupmq run',
    limit: { atLeast: 2.5 },
  },
  {
    id: 'P2b',
    bench: 'throughput',
    name: 'redis+streams:// whole trip',
    unit: 'tasks/s',
    against: 'bullmq whole trip (waitUntilFinished)',
    limit: { atLeast: 6 },
  },
  {
    id: 'P2b',
    bench: 'throughput',
    name: 'redis+streams:// whole trip',
    unit: 'tasks/s',
    against: 'bullmq run, no results',
    limit: { atLeast: 2.5 },
  },
  {
    id: 'P2b',
    bench: 'throughput',
    name: 'redis+streams:// whole trip',
    unit: 'tasks/s',
    against: 'celery whole trip',
    limit: { atLeast: 80 },
  },
  {
    id: 'P3',
    bench: 'throughput',
    name: 'redis+streams:// publish',
    unit: 'tasks/s',
    against: 'bullmq publish (addBulk 500)',
    limit: { atLeast: 4 },
  },
  {
    id: 'P5',
    bench: 'throughput',
    name: 'redis:// worker CPU of a task',
    unit: 'µs',
    against: 'bullmq worker CPU of a job',
    limit: { atMost: 1.35 },
  },
  {
    id: 'P5',
    bench: 'throughput',
    name: 'redis+streams:// worker CPU of a task',
    unit: 'µs',
    limit: { atMost: 15 },
  },
  {
    id: 'P4',
    bench: 'latency',
    name: 'redis:// call() p50',
    unit: 'µs',
    against: 'ioredis LPUSH/BRPOP p50',
    limit: { atMost: 4 },
  },
  {
    id: 'P4',
    bench: 'latency',
    name: 'redis:// call() p99',
    unit: 'µs',
    against: 'ioredis LPUSH/BRPOP p99',
    limit: { atMost: 8 },
  },
  {
    id: 'P4',
    bench: 'latency',
    name: 'redis+streams:// call() p50',
    unit: 'µs',
    against: 'ioredis LPUSH/BRPOP p50',
    limit: { atMost: 2 },
  },
  {
    id: 'P4',
    bench: 'latency',
    name: 'redis+streams:// call() p99',
    unit: 'µs',
    against: 'ioredis LPUSH/BRPOP p99',
    limit: { atMost: 5 },
  },
  {
    id: 'P6',
    bench: 'memory',
    name: 'redis:// memory of a waiting task',
    unit: 'B',
    against: 'bullmq memory of a waiting job',
    limit: { atMost: 1.1 },
  },
  {
    id: 'P6',
    bench: 'memory',
    name: 'redis+streams:// memory of a waiting task',
    unit: 'B',
    limit: { atMost: 400 },
  },
  {
    id: 'P7',
    bench: 'memory',
    name: 'redis+streams:// fetch p99 behind a backlog of 1,000,000',
    unit: 'µs',
    against: 'redis+streams:// fetch p99 behind a backlog of 1,000',
    limit: { atMost: 2 },
  },
  {
    id: 'P7',
    bench: 'memory',
    name: 'redis+streams:// worker memory gained by a backlog of 1,000,000',
    unit: 'MB',
    limit: { atMost: 30 },
  },
  {
    id: 'P7',
    bench: 'memory',
    name: 'redis+streams:// fetch p99 behind 1,000,000 delayed tasks',
    unit: 'µs',
    against: 'redis+streams:// fetch p99 behind a backlog of 1,000',
    limit: { atMost: 2 },
  },
  ...['redis://', 'redis+streams://'].flatMap(chordBars),
  {
    id: 'P9',
    bench: 'await',
    name: 'redis:// producer CPU of an awaited result, 10,000 at once',
    unit: 'µs',
    limit: { atMost: 25 },
  },
  {
    id: 'P9',
    bench: 'await',
    name: 'redis:// connections that 10,000 waits add to those of a first one',
    unit: '',
    limit: { atMost: 0 },
  },
  { id: 'P10', bench: 'startup', name: "import 'lovage'", unit: 'ms', limit: { atMost: 80 } },
  { id: 'P10', bench: 'startup', name: 'lovage --help', unit: 'ms', limit: { atMost: 250 } },
  { id: 'P10', bench: 'startup', name: 'lovage worker until ready', unit: 'ms', limit: { atMost: 700 } },
  { id: 'P11', bench: 'idle', name: 'redis:// commands of an idle worker', unit: '/s', limit: { atMost: 3 } },
  { id: 'P11', bench: 'idle', name: 'redis:// CPU of an idle worker', unit: '%', limit: { atMost: 0.5 } },
  {
    id: 'events',
    bench: 'events',
    name: 'redis:// worker CPU of a task, events on, nobody listens',
    unit: 'µs',
    against: 'redis:// worker CPU of a task, events off',
    limit: { atMost: 1.05 },
  },
  {
    id: 'events',
    bench: 'events',
    name: 'redis+streams:// worker CPU of a task, events on, nobody listens',
    unit: 'µs',
    against: 'redis+streams:// worker CPU of a task, events off',
    limit: { atMost: 1.05 },
  },
  {
    id: 'P12',
    bench: 'soak',
    name: 'redis:// heap growth in 100,000 tasks',
    unit: 'MB',
    limit: { atMost: 1 },
  },
];

/** P8, the same on both drivers. */
function chordBars(driver: string): readonly Bar[] {
  const of = (size: string): Bar => ({
    id: 'P8',
    bench: 'chord',
    name: `${driver} chord of ${size}`,
    unit: 'members/s',
    against: `${driver} plain tasks`,
    limit: { atLeast: 0.5 },
  });
  const big = { id: 'P8', bench: 'chord' } as const;
  return [
    of('10,000'),
    of('100,000'),
    { ...big, name: `${driver} chord of 100,000, longest Redis stall`, unit: 'ms', limit: { atMost: 50 } },
    { ...big, name: `${driver} group of 100,000, heap gained by its producer`, unit: 'MB', limit: { atMost: 2 } },
  ];
}
