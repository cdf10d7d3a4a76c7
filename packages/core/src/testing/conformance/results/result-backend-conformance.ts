import type { ConformanceOptions } from '../harness.ts';
import { declareSuite } from '../suite.ts';
import { ResultBench } from './result-bench.ts';
import { resultJoinCases } from './result-join-cases.ts';
import { resultNotificationCases } from './result-notification-cases.ts';
import { resultRecordCases } from './result-record-cases.ts';

/**
 * The exam of a {@link ResultBackend}. Call it at the top of a vitest file, as {@link brokerConformance}; the harness's
 * connection needs `results` only.
 */
export function resultBackendConformance(driver: string, options: ConformanceOptions): void {
  const cases = [...resultRecordCases, ...resultNotificationCases, ...resultJoinCases];
  declareSuite({ seam: 'result backend', createBench: (harness) => new ResultBench(harness), cases }, driver, options);
}
