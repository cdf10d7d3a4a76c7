import { blockedUntil } from '@lovage/core/driver';

/**
 * `promote(queue, id, first, grant, timed)`: makes a held job ready, BullMQ's `promote` for those that are held only (or any delayed
 * one when `timed`); `wake(queue)`: the mark
 * that wakes idle workers, unless the queue is paused. `queue` is what its keys begin with.
 */
export const promoteJob: string = `
local function promote(queue, id, first, grant, timed)
  local call = redis.call
  local score = call('ZSCORE', queue .. 'delayed', id)
  if not score or (not timed and tonumber(score) < ${blockedUntil} * 4096) then return false end
  call('ZREM', queue .. 'delayed', id)
  local counter = 0
  if not first then counter = call('INCR', queue .. 'pc') % 0x100000000 end
  local priority = tonumber(call('HGET', queue .. id, 'priority')) or 10
  call('ZADD', queue .. 'prioritized', priority * 0x100000000 + counter, id)
  call('HSET', queue .. id, 'delay', 0)
  if grant then call('HSET', queue .. id, 'grant', (call('HGET', queue .. id, 'ats') or 0) .. ' ' .. grant) end
  call('XADD', queue .. 'events', 'MAXLEN', '~', 1000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
  return true
end
local function wake(queue)
  if redis.call('HEXISTS', queue .. 'meta', 'paused') == 0 then redis.call('ZADD', queue .. 'marker', 0, '0') end
end
`;

/** Makes held jobs of one queue ready. */
export const promoteJobs: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV pairs of job id, and '1' for before all others of its priority, 't' also when it is delayed until a time
  Returns one letter per id: y(es), - (not there, or not held).
  Effects: ZREM from delayed, ZADD to prioritized (jobs of ours all have a priority), HSET the delay, BullMQ's "waiting"
  event, and the mark that wakes idle workers unless the queue is paused. A score of BullMQ's is the time times 4096.
]]
${promoteJob}
local promoted, any = {}, false
for i = 1, #ARGV, 2 do
  local done = promote(KEYS[1], ARGV[i], string.find(ARGV[i + 1], '1', 1, true), nil, string.find(ARGV[i + 1], 't', 1, true))
  promoted[#promoted + 1] = done and 'y' or '-'
  any = any or done
end
if any then wake(KEYS[1]) end
return table.concat(promoted)
`;
