// The short forms of the faults of Redis and of the network.
import { describe, it } from 'vitest';
import { holds } from './trial.ts';

describe('faults of Redis and of the network', { timeout: 60_000 }, () => {
  it.each(['redis-crash', 'redis-pause', 'black-hole', 'lost-replies', 'memory-full'])('%s', (name) => holds(name));

  // These wait more than they work.
  it.concurrent.each(['redis-emptied', 'poison', 'result-store-down', 'redis-growth'])('%s', (name) => holds(name));

  it.concurrent('poison on Redis Streams', () => holds('poison', 'redis+streams'));
});

// Most of their time Redis servers find out about each other.
describe('faults of a fleet of Redis servers', { timeout: 90_000 }, () => {
  it.concurrent.each(['sentinel-failover', 'cluster-master-loss'])('%s', (name) => holds(name));
});
