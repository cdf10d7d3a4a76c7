import { finalRecordPrefix } from '@lovage/core/driver';
import { maxNotificationLength } from '../shared/store-record.lua.ts';

/**
 * Lua: `keepOutcome` stores a delivery's outcome if the lease still holds. A lock that has run out is taken again where
 * nobody has had the job since: it is still active, and no delivery has begun after this one (`begun` is how many had with
 * it). What comes late after a cut connection is then settled and not done again. `full` is '1' to write although Redis is full;
 * the DEL: see despite-full.
 */
const keepOutcome = `
local function keepOutcome(lock, result, id, begun, token, full, record, ttl, channel, bareRing)
  local holder = redis.call('GET', lock)
  if not holder then
    local job = string.sub(lock, 1, -6)
    local active = string.sub(job, 1, -1 - #id) .. 'active'
    if redis.call('HGET', job, 'ats') == begun and redis.call('LPOS', active, id) then
      redis.call('DEL', lock .. ':none')
      redis.call('SET', lock, token, 'PX', 10000)
      holder = token
    end
  end
  if holder ~= token then return end
  if full == '1' then redis.call('DEL', lock .. ':none') end
  local ring = record
  if not redis.call('SET', result, ring, 'PX', ttl, 'NX') then
    if redis.pcall('GETRANGE', result, 0, ${finalRecordPrefix.length - 1}) == '${finalRecordPrefix}' then
      ring = redis.call('GET', result)
    else
      redis.call('SET', result, ring, 'PX', ttl)
    end
  end
  if channel ~= '' then redis.pcall('PUBLISH', channel, #ring <= ${maxNotificationLength} and ring or bareRing) end
end`;

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
  Effects: SET result unless a final one stands there; PUBLISH what is then stored; then BullMQ's.
]]
do
  ${keepOutcome}
  keepOutcome(KEYS[${bullKeys + 1}], KEYS[${bullKeys + 2}], ARGV[1], unpack(ARGV, #ARGV - 6))
end
`;
}

/** The name by which {@link completeWithOutcome} finds the job's id in the keys of BullMQ's script. */
export const jobIdMark = '<id>';

/**
 * The same for a job that is completed and goes at once, which is nearly every job. BullMQ's script takes fourteen keys and nine
 * arguments, one of them packed, all but three of them the same for every job of a queue: here they are made in Redis. In Node each
 * is measured, joined and copied for every job, and the packed one makes ioredis do that in buffers. With this the worker's process
 * spent 31 µs a task in place of 50 (BullMQ's own worker, beside it in the same rounds: 28), and Redis 41 in place of 43. Of the
 * next job only what a worker reads is sent.
 *
 * `bullKeys` are the keys of BullMQ's script after the prefix of the queue; `bull` is its text, which gets KEYS and ARGV of its
 * own, and options that need no unpacking.
 */
export function completeWithOutcome(bullKeys: readonly string[], bull: string): string {
  const keys = bullKeys.map((key) => (key === jobIdMark ? 'base .. id' : `base .. '${key}'`));
  return `--[[
  KEYS[1] lock of the job  KEYS[2] result key
  ARGV[1] id of the job  ARGV[2] now in ms  ARGV[3] '1' to take the next job  ARGV[4] ms of a lease  ARGV[5] name of the worker
  ARGV[6] how many deliveries of the job had begun with this one  ARGV[7] token of the lock  ARGV[8] '1' to write although Redis is
  full  ARGV[9] record text  ARGV[10] ttl in ms  ARGV[11] channel or ''  ARGV[12] bare ring, for big records
  Returns what BullMQ's script returns: below 0 when the lease is lost (then nothing is written), or the next job, with those of its
  fields that a worker reads.
  Effects: SET result unless a final one stands there; PUBLISH what is then stored; then BullMQ's.
]]
${keepOutcome}
local id = ARGV[1]
keepOutcome(KEYS[1], KEYS[2], id, unpack(ARGV, 6))
local base = string.sub(KEYS[1], 1, -6 - #id)
local options = {
  token = ARGV[7], name = ARGV[5] ~= '' and ARGV[5] or nil, keepJobs = {count = 0}, lockDuration = tonumber(ARGV[4]), attempts = 0,
  maxMetricsSize = '', fpof = false, cpof = false, idof = false, rdof = false
}
local function finish(KEYS, ARGV, cmsgpack)
${bull}
end
local reply = finish(
  {${keys.join(', ')}},
  {id, ARGV[2], 'returnvalue', 'null', 'completed', ARGV[3], base, options, ''},
  {unpack = function(known) return known end}
)
local fields = type(reply) == 'table' and reply[1]
if type(fields) ~= 'table' then return reply end
local kept, last = {}, 0
for at = 1, #fields, 2 do
  local name, value = fields[at], fields[at + 1]
  if name == 'name' or name == 'data' or name == 'timestamp' or name == 'ats' or name == 'stc' or name == 'defa' or name == 'parent'
    or name == 'opts' and not string.find(value, '^{"priority":%d+}$') then
    kept[last + 1], kept[last + 2] = name, value
    last = last + 2
  end
end
reply[1] = kept
return reply
`;
}
