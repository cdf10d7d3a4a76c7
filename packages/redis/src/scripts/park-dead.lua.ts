/** Parks a job among the dead letters, if this worker still holds its lease. */
export const parkDead = `--[[
  KEYS[1] lock of the job  KEYS[2] the job's hash  KEYS[3] stream of dead letters
  ARGV[1] token  ARGV[2] the other token that is ours  ARGV[3] most letters kept
  ARGV[4] id  ARGV[5] time, epoch ms  ARGV[6] reason's name  ARGV[7] reason's message
  ARGV[8] the message as JSON, or '' for bytes that are none
  Returns 1 when parked, 0 when the lease is lost.
  Effects: XADD one entry. Without ARGV[8] its body is the job's data as it stands in the hash, byte for byte.
]]
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[1] and held ~= ARGV[2] then return 0 end
local job = redis.pcall('HMGET', KEYS[2], 'name', 'data', 'opts')
if job.err then job = {} end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'id', ARGV[4], 'at', ARGV[5],
  'reason', ARGV[6], 'message', ARGV[7], 'task', job[1] or '',
  'body', ARGV[8] ~= '' and ARGV[8] or job[2] or '', 'opts', job[3] or '')
return 1
`;
