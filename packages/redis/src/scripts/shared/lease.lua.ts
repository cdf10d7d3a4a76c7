/** Grants a lease. */
export const acquireLease = `--[[
  KEYS[1] owner of the lease  KEYS[2] its fencing counter
  ARGV[1] owner  ARGV[2] ttl in ms
  Returns the fencing token, or 0 while another owner holds the lease.
  Effects: SET owner with ttl; INCR the counter for a new grant. The same owner keeps its token and renews.
]]
local owner = redis.call('GET', KEYS[1])
if owner == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('GET', KEYS[2]))
end
if owner then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return redis.call('INCR', KEYS[2])
`;

/** Renews or releases a lease. */
export const keepLease = `--[[
  KEYS[1] owner of the lease
  ARGV[1] owner  ARGV[2] ttl in ms; 0 releases
  Returns 1, or 0 when the lease is not this owner's.
  Effects: PEXPIRE or DEL.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
`;
