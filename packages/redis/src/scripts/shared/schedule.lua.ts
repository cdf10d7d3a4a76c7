/** Writes a periodic entry. */
export const saveSchedule = `--[[
  KEYS[1] hash of definitions  KEYS[2] hash of last slots  KEYS[3] version of the definitions
  ARGV[1] name  ARGV[2] definition text  ARGV[3] last slot or ''  ARGV[4] '1' to count it as a change
  Returns 1.
  Effects: HSET the definition; the slot only of an entry that is new. INCR.
]]
local new = redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if new == 1 and ARGV[3] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
if ARGV[4] == '1' then redis.call('INCR', KEYS[3]) end
return 1
`;

/** Records a fired slot. */
export const markFired = `--[[
  KEYS[1] hash of definitions  KEYS[2] hash of last slots
  ARGV[1] name  ARGV[2] slot, epoch ms
  Returns 1, or 0 when the same or a later slot was recorded before, or there is no such entry.
  Effects: HSET the slot: slots only grow.
]]
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local last = redis.call('HGET', KEYS[2], ARGV[1])
if last and tonumber(last) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
`;
