import { finalRecordPrefix } from '@lovage/core/driver';

/** A record longer than this is not carried by the ring: who waits reads it from the store. In bytes. */
export const longestInRing = 8_192;

/** Lua: `store()` stores the record of ARGV[1…4] under KEYS[1]; 0 when a final one stood there already. */
export const storeRecordBody: string = `
local function store()
  local ring = ARGV[1]
  local stored = 0
  if redis.pcall('GETRANGE', KEYS[1], 0, ${finalRecordPrefix.length - 1}) ~= '${finalRecordPrefix}' then
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    stored = 1
  elseif ARGV[3] == '' or string.sub(ARGV[1], 1, ${finalRecordPrefix.length}) ~= '${finalRecordPrefix}' then
    return 0
  else
    ring = redis.call('GET', KEYS[1])
  end
  if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], #ring <= ${longestInRing} and ring or ARGV[4]) end
  return stored
end`;

/** Stores a record that no delivery stands behind: progress, a revocation, a failure before the first run. */
export const storeRecord: string = `--[[
  KEYS[1] result key
  ARGV[1] record text  ARGV[2] ttl in ms  ARGV[3] channel or ''  ARGV[4] bare ring, for big records
  Returns 1 when stored, 0 when a final record stood there already.
  Effects: SET result; PUBLISH what is then stored (nothing when progress came after the end).
  A final record is never overwritten; a key of a foreign type is. The DEL: see despite-full.
]]
${storeRecordBody}
return store()
`;
