/** Parks a job among the dead letters, if this worker still holds its lease. */
export const parkDead = `--[[
  KEYS[1] lock of the job  KEYS[2] the job's hash  KEYS[3] stream of dead letters
  ARGV[1] token of the lock  ARGV[2] most letters kept
  ARGV[3] id  ARGV[4] time, epoch ms  ARGV[5] reason's name  ARGV[6] reason's message
  ARGV[7] the message as JSON, or '' for bytes that are none
  Returns 1 when parked, 0 when the lease is lost.
  Effects: XADD one entry. Without ARGV[7] its body is the job's data as it stands in the hash, byte for byte.
  The DEL: see despite-full.
]]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local job = redis.pcall('HMGET', KEYS[2], 'name', 'data', 'opts')
if job.err then job = {} end
redis.call('DEL', KEYS[1] .. ':none')
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[2], '*', 'id', ARGV[3], 'at', ARGV[4],
  'reason', ARGV[5], 'message', ARGV[6], 'task', job[1] or '',
  'body', ARGV[7] ~= '' and ARGV[7] or job[2] or '', 'opts', job[3] or '')
return 1
`;
