import type { ConformanceOptions } from '../harness.ts';
import { type ConformanceCase, declareSuite, type Suite } from '../suite.ts';
import { BrokerBench } from './broker-bench.ts';
import { brokerBlockedCases } from './broker-blocked-cases.ts';
import { brokerConsumerCases } from './broker-consumer-cases.ts';
import { brokerDeliveryCases } from './broker-delivery-cases.ts';
import { brokerJoinCases } from './broker-join-cases.ts';
import { brokerLeaseCases } from './broker-lease-cases.ts';
import { brokerMalformedCases } from './broker-malformed-cases.ts';
import { brokerMonitorCases } from './broker-monitor-cases.ts';
import { brokerOrderCases } from './broker-order-cases.ts';
import { brokerPauseCases } from './broker-pause-cases.ts';
import { brokerSettlementCases } from './broker-settlement-cases.ts';
import { brokerTimeCases } from './broker-time-cases.ts';

/**
 * The exam of a {@link Broker}. Call it at the top of a vitest file:
 *
 * ```ts
 * import { brokerConformance } from '@lovage/core/conformance';
 *
 * brokerConformance('redis', {
 *   // Called once per case: a fresh prefix, a connection with `broker`, `results` and `monitor`.
 *   open: async () => {
 *     const prefix = `test-${newTaskId()}`;
 *     const connection = redisDriver.connect(url, { clock: systemClock, logger, prefix, … });
 *     return {
 *       connection,
 *       another: async () => redisDriver.connect(url, …same prefix),
 *       fastLease: { leaseDuration: 1000, orphanInterval: 500 },
 *       loseLease: async (queue, id) => { await redis.del(lockKey(queue, id)); },
 *       injectRaw: async (queue, body) => { await redis.lpush(waitKey(queue), body); },
 *       close: async () => { await connection.close(2000); … delete the prefix },
 *     };
 *   },
 *   skip: { 'a higher priority runs sooner': 'streams have one order' },
 * });
 * ```
 * Time is real: what has a time is never early (strictly), and late only within generous deadlines.
 */
export function brokerConformance(driver: string, options: ConformanceOptions): void {
  const suite: Suite<BrokerBench> = {
    seam: 'broker',
    createBench: (harness) => new BrokerBench(harness),
    closeBench: (bench) => bench.close(),
    cases: brokerCases,
  };
  declareSuite(suite, driver, options);
}

const brokerCases: readonly ConformanceCase<BrokerBench>[] = [
  ...brokerDeliveryCases,
  ...brokerOrderCases,
  ...brokerConsumerCases,
  ...brokerTimeCases,
  ...brokerSettlementCases,
  ...brokerJoinCases,
  ...brokerMalformedCases,
  ...brokerLeaseCases,
  ...brokerMonitorCases,
  ...brokerBlockedCases,
  ...brokerPauseCases,
];
