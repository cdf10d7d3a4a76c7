/** Records which member of a group ended. */
export const joinMember = `--[[
  KEYS[1] bitmap of the members that ended  KEYS[2] bitmap of those that failed  KEYS[3] how many members there are
  ARGV[1] index  ARGV[2] '1' when it succeeded  ARGV[3] ttl in ms  ARGV[4] how many members there are, or ''  ARGV[5] '1': keep that
  Returns {ended, failed, 1 when all have ended}.
  Effects: SETBIT, SET, PEXPIRE. Repeating a member changes nothing: the first word about it stands. Once all have ended,
  the keys are kept for an hour at most, for members that come again.
  A bitmap of 100,000 members takes 12.5 KB.
]]
local call, ttl = redis.call, ARGV[3]
local fresh = call('SETBIT', KEYS[1], ARGV[1], 1) == 0
if fresh and ARGV[2] ~= '1' then call('SETBIT', KEYS[2], ARGV[1], 1) end
if ARGV[5] == '1' then call('SET', KEYS[3], ARGV[4], 'PX', ttl) end
local size = ARGV[4] ~= '' and ARGV[4] or call('GET', KEYS[3])
local ended = call('BITCOUNT', KEYS[1])
local complete = size and ended >= tonumber(size)
if complete then ttl = math.min(ttl, 3600000) end
if fresh or complete then
  for i = 1, 3 do call('PEXPIRE', KEYS[i], ttl) end
end
return {ended, call('BITCOUNT', KEYS[2]), complete and 1 or 0}
`;
