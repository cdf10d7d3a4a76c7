// A trial that does not hold is tried once more: the suite's machine is shared, and noise passes where a broken promise fails again.
// The long forms (npm run chaos) are never tried twice.
// The short forms of the faults of Redis and of the network.
import { describe, it } from 'vitest';
import { holds } from './trial.ts';

describe('faults of Redis and of the network', { timeout: 60_000, retry: 1 }, () => {
  it.each(['redis-crash', 'redis-pause', 'black-hole', 'lost-replies', 'memory-full'])('%s', (name) => holds(name));

  // These wait more than they work.
  it.concurrent.each(['redis-emptied', 'poison', 'result-store-down'])('%s', (name) => holds(name));
});

// Most of their time Redis servers find out about each other.
describe('faults of a fleet of Redis servers', { timeout: 90_000, retry: 1 }, () => {
  it.concurrent.each(['sentinel-failover', 'cluster-master-loss'])('%s', (name) => holds(name));
});
