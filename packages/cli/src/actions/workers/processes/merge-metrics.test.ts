import { expect, it } from 'vitest';
import { mergeMetrics } from './merge-metrics.ts';

const page = (worker: string, ended: number): string =>
  [
    '# HELP lovage_build_info Versions.',
    '# TYPE lovage_build_info gauge',
    'lovage_build_info{version="1.0"} 1',
    '# HELP lovage_worker_up The worker consumes.',
    '# TYPE lovage_worker_up gauge',
    `lovage_worker_up{worker="${worker}"} 1`,
    '# HELP lovage_tasks_total Attempts.',
    '# TYPE lovage_tasks_total counter',
    `lovage_tasks_total{task="send a mail"} ${ended}`,
    '',
  ].join('\n');

it('adds what is counted, and keeps what each process says of itself', () => {
  expect(mergeMetrics([page('a', 3), page('b', 4)])).toBe(
    [
      '# HELP lovage_build_info Versions.',
      '# TYPE lovage_build_info gauge',
      'lovage_build_info{version="1.0"} 1',
      '# HELP lovage_worker_up The worker consumes.',
      '# TYPE lovage_worker_up gauge',
      'lovage_worker_up{worker="a"} 1',
      'lovage_worker_up{worker="b"} 1',
      '# HELP lovage_tasks_total Attempts.',
      '# TYPE lovage_tasks_total counter',
      'lovage_tasks_total{task="send a mail"} 7',
      '',
    ].join('\n'),
  );
});
