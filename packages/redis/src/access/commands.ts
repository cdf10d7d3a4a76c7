import type { AccessRole } from '@lovage/core/driver';

/** What every connection sends: the handshake, TIME, scripts, and the pipelines of BullMQ. */
const connection = words(`
  hello auth ping quit select info time client|setname client|id multi exec eval evalsha
`);

/** What a client of a cluster sends to find its way. */
const clusterWays = words('cluster|slots cluster|shards cluster|info cluster|nodes readonly asking');

const reads = words(`
  exists get mget getrange strlen bitcount pttl type
  hexists hget hgetall hkeys hlen hmget hvals hstrlen hscan
  lindex llen lpos lrange
  scard sismember smismember smembers sscan
  zcard zcount zlexcount zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebyscore zscore zscan
  xlen xrange xrevrange xread xpending xinfo|stream xinfo|groups xinfo|consumers
`);

const writes = words(`
  del unlink set setbit incr incrby persist expire pexpire pexpireat
  hset hmset hsetnx hdel hincrby
  lpush rpush lpop lrem ltrim
  sadd srem
  zadd zrem zremrangebyscore
  xadd xtrim xdel xgroup|create
`);

/** Taking messages, settling them, and looking after queues. */
const takes = words(`
  rpop rpoplpush lset zpopmin bzpopmin zremrangebyrank
  xreadgroup xack xclaim xgroup|createconsumer xgroup|delconsumer xgroup|destroy
  client|unblock memory|usage
`);

const listens = words('subscribe unsubscribe psubscribe punsubscribe');

/** The commands of each role. Those that take a message are not a producer's, and those that write are not a monitor's. */
const byRole: Readonly<Record<AccessRole, readonly string[]>> = {
  producer: [...reads, ...writes, ...listens],
  worker: [...reads, ...writes, ...takes, ...listens],
  beat: [...reads, ...writes, ...listens],
  monitor: [...reads, ...listens],
  operator: [...reads, ...writes, ...takes, ...listens, 'rename'],
};

/** The commands of a role, none twice. */
export function commandsOf(role: AccessRole, cluster: boolean): readonly string[] {
  return [...new Set([...connection, ...(cluster ? clusterWays : []), ...byRole[role]])];
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
