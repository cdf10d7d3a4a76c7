// The short forms of the faults of workers. The long ones: `npm run chaos -- <scenario>`, docs/reliability.md.
import { describe, it } from 'vitest';
import { holds } from './trial.ts';

describe('faults of workers', { timeout: 60_000 }, () => {
  it.each(['kill-workers', 'sigterm', 'sigterm-redis-dead', 'child-death'])('%s', (name) => holds(name));

  it('chords', () => holds('chords'));

  it('kill-workers on Redis Streams', () => holds('kill-workers', 'redis+streams'));

  it.concurrent.each(['beat', 'beat-no-lease', 'locks', 'fenced-writes', 'subscriptions', 'gates'])('%s', (name) =>
    holds(name),
  );

  it.each(['ordering', 'concurrency-key', 'fairness'])('%s', (name) => holds(name));
  it('ordering on Redis Streams', () => holds('ordering', 'redis+streams'));

  // These wait more than they work.
  it.concurrent.each(['long-tasks', 'pause-worker', 'loop-blocked', 'eta-kills'])('%s', (name) => holds(name));
});
