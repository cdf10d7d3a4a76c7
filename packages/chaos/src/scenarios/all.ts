import type { Scenario } from '../scenario.ts';
import { beat, beatNoLease } from './beat.ts';
import { childDeath } from './child-death.ts';
import { chords } from './chords.ts';
import { concurrencyKey, fairness, ordering } from './concurrency.ts';
import { etaKills } from './eta-kills.ts';
import { killWorkers, recoveryAtDefaults } from './kill-workers.ts';
import { fencedWrites, locks } from './locks.ts';
import { longTasks } from './long-tasks.ts';
import { loopBlocked } from './loop-blocked.ts';
import { gates, subscriptions } from './messages.ts';
import { pauseWorker } from './pause-worker.ts';
import { poison } from './poison.ts';
import { blackHole } from './redis/black-hole.ts';
import { clusterMasterLoss, sentinelFailover } from './redis/failover.ts';
import { lostReplies } from './redis/lost-replies.ts';
import { memoryFull } from './redis/memory-full.ts';
import { redisCrash, redisEmptied, redisPause } from './redis/redis-crash.ts';
import { redisGrowth } from './redis/redis-growth.ts';
import { resultStoreDown } from './redis/result-store-down.ts';
import { sigterm, sigtermRedisDead } from './sigterm.ts';
import { soak } from './soak.ts';

/** Every scenario, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  longTasks,
  killWorkers,
  recoveryAtDefaults,
  sigterm,
  sigtermRedisDead,
  pauseWorker,
  redisCrash,
  redisPause,
  redisEmptied,
  blackHole,
  lostReplies,
  memoryFull,
  loopBlocked,
  childDeath,
  poison,
  resultStoreDown,
  etaKills,
  redisGrowth,
  chords,
  soak,
  sentinelFailover,
  clusterMasterLoss,
  beat,
  beatNoLease,
  locks,
  fencedWrites,
  subscriptions,
  gates,
  ordering,
  concurrencyKey,
  fairness,
];
