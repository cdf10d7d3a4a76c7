import { newTaskId, type Settlement, systemClock } from '@lovage/core/driver';
import { until } from '@lovage/core/testing';
import { describe, expect, it } from 'vitest';
import { redisDriver, streamsDriver } from '../src/index.ts';
import { ack, consume, createMessage, emptied, required, silent, success } from './bench.ts';
import { streamsUrl } from './streams-bench.ts';
import { useRedis } from './use-redis.ts';

const redis = useRedis();

const id = newTaskId();
const settlements: readonly [string, Settlement][] = [
  ['an ack', success(id, 'done')],
  ['a retry', { kind: 'retryAt', at: 0, message: createMessage({ id, retries: 1 }) }],
  ['a release', { kind: 'release' }],
  ['a dead letter', { kind: 'deadLetter', reason: { name: 'Reject', message: 'no' } }],
];

describe.each([
  ['redis', redisDriver, () => redis.server.url],
  ['redis+streams', streamsDriver, () => streamsUrl(redis.server)],
])('a master that is demoted for a moment, on %s,', (_name, driver, url) => {
  it.each(settlements)('loses no settlement: %s', async (_what, settlement) => {
    const connection = driver.connect(url(), {
      ...{ logger: silent, clock: systemClock, prefix: `t${newTaskId()}`, publishTimeout: 5_000 },
      connection: { socketTimeout: 15_000, connectTimeout: 5_000 },
    });
    let settle: (settlement: Settlement) => void = () => {};
    const first = new Promise<Settlement>((resolve) => {
      settle = resolve;
    });
    // leases last longer than any test here: what comes again in time was settled so
    const seen = await consume(connection, { leaseDuration: 120_000 }, ({ deliveryCount, message }) =>
      seen.deliveries.length === 1 && deliveryCount === 1 && message.retries === 0 ? first : Promise.resolve(ack),
    );
    await required(connection.broker).publish([createMessage({ id })]);
    await seen.arrived(1);
    await redis.server.client.replicaof('127.0.0.1', '1');
    settle(settlement);
    await until(() => seen.errors.some(({ message }) => message.includes('READONLY')), { what: 'the refusal' });
    await redis.server.client.replicaof('NO', 'ONE');
    await emptied(connection);
    expect(seen.deliveries.map(({ deliveryCount }) => deliveryCount)).toEqual(
      settlement.kind === 'ack' || settlement.kind === 'deadLetter' ? [1] : [1, 1],
    );
    await connection.close(1_000);
  });
});
