import { type Buckets, bucketBounds, type MinuteStats } from '@lovage/core/driver';
import type { QueueCounts, WorkerReport } from '@lovage/core/inspect';

/** A queue as the elected exporter sees it. */
export interface QueueGauges {
  readonly counts: QueueCounts;
  /** Milliseconds. */
  readonly oldest: number | undefined;
}

/** What one page of metrics says. */
export interface MetricsFacts {
  readonly version: string;
  readonly report: WorkerReport;
  readonly totals: readonly MinuteStats[];
  /** Absent where another worker exports them: each would be counted twice. */
  readonly queues: readonly QueueGauges[] | undefined;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [suffix: string, labels: Labels, value: number];

/** Upper bounds in seconds. */
const bounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600];
const outcomes = ['succeeded', 'failed', 'retried', 'revoked'] as const;

/** Metrics as Prometheus reads them (text format 0.0.4). */
export function formatMetrics({ version, report, totals, queues }: MetricsFacts): string {
  const { name: worker, app, running, slots, loopLag, rss, unpolledFor } = report;
  const own = { app, worker };
  const busy = Math.min(running.length, slots);
  const families = [
    family('lovage_build_info', 'gauge', 'Versions; the value is 1.', [
      ['', { version, node: process.versions.node }, 1],
    ]),
    family('lovage_worker_up', 'gauge', 'The worker consumes.', [['', own, 1]]),
    family('lovage_worker_slots', 'gauge', 'Slots, by whether a task runs there.', [
      ['', { ...own, state: 'busy' }, busy],
      ['', { ...own, state: 'free' }, slots - busy],
    ]),
    family('lovage_worker_event_loop_lag_seconds', 'gauge', 'The worst delay of a timer in the last seconds.', [
      ['', own, loopLag / 1_000],
    ]),
    family('lovage_worker_unpolled_seconds', 'gauge', 'For how long one of its queues has gone unpolled.', [
      ['', own, unpolledFor / 1_000],
    ]),
    family('lovage_worker_resident_memory_bytes', 'gauge', 'Memory of the process.', [['', own, rss]]),
    family('lovage_tasks_total', 'counter', 'Attempts that ended, by outcome.', totals.flatMap(outcomesOf)),
    family(
      'lovage_task_duration_seconds',
      'histogram',
      'How long attempts ran.',
      totals.flatMap((one) => histogram(one, one.run, one.busy / 1_000)),
    ),
    family(
      'lovage_task_queue_seconds',
      'histogram',
      'How long messages were ready before an attempt began; the sum is of the buckets.',
      totals.flatMap((one) => histogram(one, one.wait)),
    ),
    ...bullmqTotals(totals),
    ...(queues ? queueFamilies(queues) : []),
  ];
  return families.join('');
}

function outcomesOf(stats: MinuteStats): readonly Sample[] {
  return outcomes.map((outcome) => ['', { task: stats.task, queue: stats.queue, outcome }, stats[outcome]]);
}

function histogram({ task, queue }: MinuteStats, buckets: Buckets, exactSum?: number): readonly Sample[] {
  const counted = Object.entries(buckets).map(([index, count]) => [secondsOf(Number(index)), count] as const);
  const upTo = (bound: number): number => counted.reduce((sum, [at, count]) => (at <= bound ? sum + count : sum), 0);
  const all = upTo(Number.POSITIVE_INFINITY);
  const labels = { task, queue };
  const sum = exactSum ?? counted.reduce((total, [at, count]) => total + Math.min(at, 86_400) * count, 0);
  return [
    ...bounds.map((bound): Sample => ['_bucket', { ...labels, le: String(bound) }, upTo(bound)]),
    ['_bucket', { ...labels, le: '+Inf' }, all],
    ['_sum', labels, sum],
    ['_count', labels, all],
  ];
}

function secondsOf(bucket: number): number {
  return (bucketBounds[bucket] ?? Number.POSITIVE_INFINITY) / 1_000;
}

/** Names of BullMQ's own exporter, so that boards that are there go on. */
function bullmqTotals(totals: readonly MinuteStats[]): readonly string[] {
  const sums = new Map<string, { completed: number; failed: number }>();
  for (const { queue, succeeded, failed } of totals) {
    const sum = sums.get(queue) ?? { completed: 0, failed: 0 };
    sums.set(queue, { completed: sum.completed + succeeded, failed: sum.failed + failed });
  }
  return (['completed', 'failed'] as const).map((kind) =>
    family(
      `bullmq_job_${kind}_total`,
      'counter',
      `Jobs that ${kind}.`,
      [...sums].map(([queue, sum]) => ['', { queue }, sum[kind]]),
    ),
  );
}

function queueFamilies(queues: readonly QueueGauges[]): readonly string[] {
  const states = ['waiting', 'delayed', 'blocked', 'running', 'dead'] as const;
  const depth = queues.flatMap(({ counts }) =>
    states.map((state): Sample => ['', { queue: counts.queue, state }, counts[state]]),
  );
  return [
    family(
      'lovage_queue_depth',
      'gauge',
      'Messages in a queue, by where they stand; blocked ones are among the delayed.',
      depth,
    ),
    family(
      'lovage_queue_oldest_seconds',
      'gauge',
      'For how long the oldest waiting message has been ready; 0 when none waits.',
      queues.map(({ counts, oldest = 0 }) => ['', { queue: counts.queue }, oldest / 1_000]),
    ),
    family(
      'lovage_queue_paused',
      'gauge',
      'Whether nothing is handed out.',
      queues.map(({ counts }) => ['', { queue: counts.queue }, counts.paused ? 1 : 0]),
    ),
    family(
      'bullmq_job_count',
      'gauge',
      'Jobs in a queue, by state.',
      queues.flatMap(({ counts: { queue, waiting, delayed, running, dead } }): readonly Sample[] => [
        ['', { queue, state: 'waiting' }, waiting],
        ['', { queue, state: 'delayed' }, delayed],
        ['', { queue, state: 'active' }, running],
        ['', { queue, state: 'failed' }, dead],
      ]),
    ),
  ];
}

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([suffix, labels, value]) => `${name}${suffix}${formatLabels(labels)} ${value}`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

function formatLabels(labels: Labels): string {
  const texts = Object.entries(labels).map(
    ([label, value]) => `${label}="${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`,
  );
  return `{${texts.join(',')}}`;
}
