/** Renews the locks that one consumer holds on a queue's jobs. */
export const renewHeldJobs = `--[[
  KEYS[1] list of active jobs
  ARGV[1] what the keys of the queue's jobs begin with  ARGV[2] what the consumer's tokens begin with  ARGV[3] lease in ms
  Returns how many were renewed.
  Effects: PEXPIRE. Looks at every active job of the queue, so it is for the rare case that the holder cannot say what it holds.
]]
local call = redis.call
local renewed = 0
for _, id in ipairs(call('LRANGE', KEYS[1], 0, -1)) do
  local lock = ARGV[1] .. id .. ':lock'
  local token = call('GET', lock)
  if token and string.sub(token, 1, #ARGV[2]) == ARGV[2] then renewed = renewed + call('PEXPIRE', lock, ARGV[3]) end
end
return renewed
`;

/** Renews what one consumer of the group has pending. */
export const renewHeldEntries = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group  ARGV[2] consumer  ARGV[3] how many of each stream at most
  Returns how many were renewed.
  Effects: XCLAIM to its own consumer, which sets their idle time to nothing. The DEL: see despite-full.
]]
local call, base = redis.call, KEYS[1]
call('DEL', base .. 'none')
local renewed = 0
for _, name in ipairs({'front', 'p9', 'p8', 'p7', 'p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0'}) do
  local pending = redis.pcall('XPENDING', base .. name, ARGV[1], '-', '+', ARGV[3], ARGV[2])
  if not pending.err and #pending > 0 then
    local claim = {'XCLAIM', base .. name, ARGV[1], ARGV[2], 0}
    for _, entry in ipairs(pending) do claim[#claim + 1] = entry[1] end
    claim[#claim + 1] = 'JUSTID'
    renewed = renewed + #call(unpack(claim))
  end
end
return renewed
`;
