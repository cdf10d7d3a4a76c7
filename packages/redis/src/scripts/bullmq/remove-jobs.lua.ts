/** Deletes jobs of one queue that have not been delivered. */
export const removeJobs = `--[[
  KEYS[1] delayed  KEYS[2] prioritized  KEYS[3] wait  KEYS[4] event stream
  ARGV[1] beginning of the queue's job keys  ARGV[2...] job ids
  Returns one letter per id: y(es), s(tays: it runs, or is over), - (not there, or kept as failed).
  Effects: ZREM or LREM, DEL of the job's keys, and BullMQ's own "removed" event.
  A job of ours waits in the sorted set, where it is found at once. Only one whose worker was lost stands in the list:
  that is searched for a job that exists, has no lock and has not ended. A failed one is only a record, and BullMQ would
  take a new one of its id for the old: it goes too, and is said not to be there.
]]
local removed = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  removed[i - 1] = '-'
  local from
  if redis.call('ZREM', KEYS[1], id) == 1 then from = 'delayed'
  elseif redis.call('ZREM', KEYS[2], id) == 1 then from = 'prioritized'
  elseif redis.call('EXISTS', job) == 1 and redis.call('EXISTS', job .. ':lock') == 0
    and not redis.call('HGET', job, 'finishedOn') and redis.call('LREM', KEYS[3], 1, id) == 1 then from = 'wait' end
  if not from and redis.call('EXISTS', job) == 1 and redis.call('ZREM', ARGV[1] .. 'failed', id) == 1 then
    redis.call('DEL', job, job .. ':logs')
  end
  if from then
    redis.call('DEL', job, job .. ':logs', job .. ':dependencies', job .. ':processed', job .. ':failed', job .. ':unsuccessful')
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', 1000, '*', 'event', 'removed', 'jobId', id, 'prev', from)
    removed[i - 1] = 'y'
  elseif redis.call('EXISTS', job) == 1 then removed[i - 1] = 's' end
end
return table.concat(removed)
`;
