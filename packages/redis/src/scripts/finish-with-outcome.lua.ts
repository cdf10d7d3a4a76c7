import { finalRecordPrefix } from '@lovage/core/driver';
import { longestInRing } from './store-record.lua.ts';

/**
 * Stores a delivery's outcome, as the beginning of BullMQ's own `moveToFinished`: one script, so the result is stored if
 * and only if the job ends. (Two scripts in one write were one more command per task, and left a gap: where only the
 * first has to be loaded, the second overtakes it, and the job is gone without its result.)
 *
 * `bullKeys` is how many keys BullMQ's script has; ours come after them, and our arguments after all of BullMQ's.
 */
export function finishWithOutcome(bullKeys: number): string {
  return `--[[
  KEYS[last-1] lock of the job  KEYS[last] result key
  ARGV[1] of BullMQ's: the job's id  ARGV[last-6] how many deliveries of the job had begun with this one
  ARGV[last-5] token of the lock  ARGV[last-4] '1' to write although Redis is full
  ARGV[last-3] record text  ARGV[last-2] ttl in ms  ARGV[last-1] channel or ''  ARGV[last] bare ring, for big records
  Returns what BullMQ's script returns: below 0 when the lease is lost (then nothing is written).
  A lock that has run out is taken again where nobody has had the job since: it is still active, and no delivery has begun
  after this one. What comes late after a cut connection is then settled and not done again.
  Effects: SET result unless a final one stands there; PUBLISH what is then stored; then BullMQ's.
  The DEL: see despite-full.
]]
do
  local last = #ARGV
  local lock, result = KEYS[${bullKeys + 1}], KEYS[${bullKeys + 2}]
  local holder = redis.call('GET', lock)
  if not holder then
    local job, id = string.sub(lock, 1, -6), ARGV[1]
    local active = string.sub(job, 1, -1 - #id) .. 'active'
    if redis.call('HGET', job, 'ats') == ARGV[last - 6] and redis.call('LPOS', active, id) then
      redis.call('DEL', lock .. ':none')
      redis.call('SET', lock, ARGV[last - 5], 'PX', 10000)
      holder = ARGV[last - 5]
    end
  end
  if holder == ARGV[last - 5] then
    if ARGV[last - 4] == '1' then redis.call('DEL', lock .. ':none') end
    local ring = ARGV[last - 3]
    if not redis.call('SET', result, ring, 'PX', ARGV[last - 2], 'NX') then
      if redis.pcall('GETRANGE', result, 0, ${finalRecordPrefix.length - 1}) == '${finalRecordPrefix}' then
        ring = redis.call('GET', result)
      else
        redis.call('SET', result, ring, 'PX', ARGV[last - 2])
      end
    end
    local channel = ARGV[last - 1]
    if channel ~= '' then redis.call('PUBLISH', channel, #ring <= ${longestInRing} and ring or ARGV[last]) end
  end
end
`;
}
