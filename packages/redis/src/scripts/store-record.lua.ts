/** Stores a record that no delivery stands behind: progress, a revocation, a failure before the first run. */
export const storeRecord = `--[[
  KEYS[1] result key
  ARGV[1] record text  ARGV[2] ttl in ms  ARGV[3] how final records begin
  ARGV[4] channel or ''  ARGV[5] bare ring, for records over ARGV[6] bytes
  Returns 1 when stored, 0 when a final record stood there already.
  Effects: SET result; PUBLISH what is then stored (nothing when progress came after the end).
  A final record is never overwritten. The DEL makes the script a writer before its SET, so that a full Redis
  (maxmemory) still takes the results of work it has given out; it also clears a key of a foreign type.
]]
local final = ARGV[3]
local ring = ARGV[1]
local stored = 0
if redis.pcall('GETRANGE', KEYS[1], 0, #final - 1) ~= final then
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  stored = 1
elseif ARGV[4] == '' or string.sub(ARGV[1], 1, #final) ~= final then
  return 0
else
  ring = redis.call('GET', KEYS[1])
end
if ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], #ring <= tonumber(ARGV[6]) and ring or ARGV[5]) end
return stored
`;
