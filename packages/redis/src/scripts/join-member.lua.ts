/** Records which member of a group ended. */
export const joinMember = `--[[
  KEYS[1] bitmap of the members that ended  KEYS[2] bitmap of those that failed
  ARGV[1] index  ARGV[2] '1' when it succeeded  ARGV[3] ttl in ms
  Returns {ended, failed}.
  Effects: SETBIT, PEXPIRE. Repeating a member changes nothing: the first word about it stands.
  A bitmap of 100,000 members takes 12.5 KB.
]]
if redis.call('SETBIT', KEYS[1], ARGV[1], 1) == 0 then
  if ARGV[2] ~= '1' then redis.call('SETBIT', KEYS[2], ARGV[1], 1) end
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return {redis.call('BITCOUNT', KEYS[1]), redis.call('BITCOUNT', KEYS[2])}
`;
