/** Publishes from the master of a key: a cluster's client sends a bare PUBLISH to any node, and two of them may change places. */
export const publishFrom = `--[[
  KEYS[1] any key of the master
  ARGV[1] channel  ARGV[2] message
  Returns how many listeners of that master got it.
  Effects: PUBLISH.
]]
return redis.call('PUBLISH', ARGV[1], ARGV[2])
`;
