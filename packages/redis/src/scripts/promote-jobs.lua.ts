import { heldUntil } from '@lovage/core/driver';

/** Makes held jobs of one queue ready: BullMQ's `promote`, for many, and only for those that are held. */
export const promoteJobs: string = `--[[
  KEYS[1] delayed  KEYS[2] prioritized  KEYS[3] priority counter  KEYS[4] event stream  KEYS[5] marker  KEYS[6] meta
  ARGV[1] beginning of the queue's job keys  ARGV[2…] pairs of job id, '1' for before all others of its priority or ''
  Returns one letter per id: y(es), - (not there, or not held).
  Effects: ZREM from delayed, ZADD to prioritized (jobs of ours all have a priority), HSET the delay, BullMQ's "waiting"
  event, and the mark that wakes idle workers unless the queue is paused. A score of BullMQ's is the time times 4096.
]]
local call, promoted, any = redis.call, {}, false
for i = 2, #ARGV, 2 do
  local id = ARGV[i]
  local place = #promoted + 1
  promoted[place] = '-'
  local score = call('ZSCORE', KEYS[1], id)
  if score and tonumber(score) >= ${heldUntil} * 4096 then
    call('ZREM', KEYS[1], id)
    local counter = 0
    if ARGV[i + 1] == '' then counter = call('INCR', KEYS[3]) % 0x100000000 end
    local priority = tonumber(call('HGET', ARGV[1] .. id, 'priority')) or 10
    call('ZADD', KEYS[2], priority * 0x100000000 + counter, id)
    call('HSET', ARGV[1] .. id, 'delay', 0)
    call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
    promoted[place], any = 'y', true
  end
end
if any and call('HEXISTS', KEYS[6], 'paused') == 0 then call('ZADD', KEYS[5], 0, '0') end
return table.concat(promoted)
`;
