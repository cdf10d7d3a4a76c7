/**
 * Adds a job with nothing but a priority, which is every message that is due, with BullMQ's own script. That takes nine keys and two
 * packed arguments, of which four things differ from job to job: as in `completeWithOutcome`, the rest is made in Redis.
 *
 * `bullKeys` are the keys of BullMQ's script after the prefix of the queue; `bull` is its text.
 */
export function addJob(bullKeys: readonly string[], bull: string): string {
  const keys = bullKeys.map((key) => `base .. '${key}'`);
  return `--[[
  KEYS[1] hash of the job
  ARGV[1] id of the job  ARGV[2] name  ARGV[3] timestamp  ARGV[4] priority  ARGV[5] data
  Returns 0, or what BullMQ's script returns when it refuses: below 0. A job that is there already is left as it is.
  Effects: BullMQ's.
]]
local id = ARGV[1]
local base = string.sub(KEYS[1], 1, -1 - #id)
local function add(KEYS, ARGV, cmsgpack)
${bull}
end
local reply = add(
  {${keys.join(', ')}},
  {{base, id, ARGV[2], ARGV[3]}, ARGV[5], {priority = tonumber(ARGV[4])}},
  {unpack = function(known) return known end}
)
return type(reply) == 'number' and reply or 0
`;
}
