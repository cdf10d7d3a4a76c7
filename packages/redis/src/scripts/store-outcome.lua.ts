/** Stores the outcome of a delivery, if this worker still holds its lease, and hands the lock over to the completion. */
export const storeOutcome = `--[[
  KEYS[1] lock of the job  KEYS[2] result key
  ARGV[1..6] as for store-record  ARGV[7] token of the lock  ARGV[8] token to hand over to  ARGV[9] lease in ms
  Returns 1 when the lock is held, 0 when the lease is lost (then nothing is written).
  Effects: SET result unless a final one stands there; PUBLISH what is then stored; the lock's token becomes ARGV[8].
  The new token is what lets BullMQ's completion, sent in the same write, succeed only if this script did: a script
  that failed (or has to be loaded first) leaves the old token, and the completion is refused.
  The DEL: see store-record.
]]
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[7] and held ~= ARGV[8] then return 0 end
local final = ARGV[3]
local ring = ARGV[1]
if redis.pcall('GETRANGE', KEYS[2], 0, #final - 1) ~= final then
  redis.call('DEL', KEYS[2])
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
elseif ARGV[4] ~= '' then
  ring = redis.call('GET', KEYS[2])
end
redis.call('SET', KEYS[1], ARGV[8], 'PX', ARGV[9])
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], #ring <= tonumber(ARGV[6]) and ring or ARGV[5]) end
return 1
`;
