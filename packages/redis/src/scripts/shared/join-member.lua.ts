import { storeRecordBody } from './store-record.lua.ts';

/** Lua: `join(ended, failed, sizeKey, index, succeeded, ttl, size, tells)`; returns what the scripts below return. */
const join = `
local function join(ended, failed, sizeKey, index, succeeded, ttl, size, tells)
  local call = redis.call
  local fresh = call('SETBIT', ended, index, 1) == 0
  if fresh and succeeded ~= '1' then call('SETBIT', failed, index, 1) end
  if tells == '1' then call('SET', sizeKey, size, 'PX', ttl) end
  if size == '' then size = call('GET', sizeKey) end
  local count = call('BITCOUNT', ended)
  local complete = size and count >= tonumber(size)
  if complete then ttl = math.min(ttl, 3600000) end
  if fresh or complete then
    for _, key in ipairs({ended, failed, sizeKey}) do call('PEXPIRE', key, ttl) end
  end
  return {count, call('BITCOUNT', failed), complete and 1 or 0}
end`;

/** Records which member of a group ended. */
export const joinMember: string = `--[[
  KEYS[1] bitmap of the members that ended  KEYS[2] bitmap of those that failed  KEYS[3] how many members there are
  ARGV[1] index  ARGV[2] '1' when it succeeded  ARGV[3] ttl in ms  ARGV[4] how many members there are, or ''
  ARGV[5] '1': keep that for others
  Returns {ended, failed, 1 when all have ended}.
  Effects: SETBIT, SET, PEXPIRE. Repeating a member changes nothing: the first word about it stands. Once all have ended,
  the keys are kept for an hour at most, for members that come again.
  A bitmap of 100,000 members takes 12.5 KB. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
${join}
return join(KEYS[1], KEYS[2], KEYS[3], unpack(ARGV))
`;

/** Stores the outcomes of members of one group and records that they ended. */
export const joinWithOutcomes: string = `--[[
  KEYS[1…3] as join-member  KEYS[4…] result keys
  ARGV nine of each result key: ARGV[1…4] of store-record, ARGV[1…5] of join-member
  Returns of each what join-member returns, or {-1, 0, 0} when another final record stands.
  Effects: of each those of store-record, and then those of join-member.
]]
${storeRecordBody}
${join}
local replies = {}
for i = 4, #KEYS do
  local at = (i - 4) * 9
  if store(KEYS[i], unpack(ARGV, at + 1, at + 4)) ~= 1 then replies[i - 3] = {-1, 0, 0}
  else replies[i - 3] = join(KEYS[1], KEYS[2], KEYS[3], unpack(ARGV, at + 5, at + 9)) end
end
return replies
`;
