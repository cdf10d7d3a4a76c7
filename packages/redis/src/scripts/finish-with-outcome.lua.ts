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
  ARGV[last-5] token of the lock  ARGV[last-4] '1' to write although Redis is full
  ARGV[last-3] record text  ARGV[last-2] ttl in ms  ARGV[last-1] channel or ''  ARGV[last] bare ring, for big records
  Returns what BullMQ's script returns: below 0 when the lease is lost (then nothing is written).
  Effects: SET result unless a final one stands there; PUBLISH what is then stored; then BullMQ's.
  The DEL: see despite-full.
]]
do
  local last = #ARGV
  local lock, result = KEYS[${bullKeys + 1}], KEYS[${bullKeys + 2}]
  if redis.call('GET', lock) == ARGV[last - 5] then
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
