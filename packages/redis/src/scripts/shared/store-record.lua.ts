import { finalRecordPrefix } from '@lovage/core/driver';

/** A record longer than this is not carried by the ring: who waits reads it from the store. In bytes. */
export const maxNotificationLength = 8_192;

/**
 * Lua: `store(key, record, ttl, channel, bareNotification, lengthen)` stores a record: 1, or 0 when a final one stood there already, or 2 when
 * the same one did, which then goes after `ttl` at the latest, or with `lengthen` after `ttl`. What rings or
 * wakes is only a word: where an ACL refuses the channel, this and every other script goes on (`pcall`), and who waits looks for
 * itself. One that broke off there had done half of its work.
 */
export const storeRecordBody: string = `
local function store(key, record, ttl, channel, bareRing, lengthen)
  local ring = record
  local stored = 0
  if redis.pcall('GETRANGE', key, 0, ${finalRecordPrefix.length - 1}) ~= '${finalRecordPrefix}' then
    redis.call('DEL', key)
    redis.call('SET', key, record, 'PX', ttl)
    stored = 1
  elseif string.sub(record, 1, ${finalRecordPrefix.length}) ~= '${finalRecordPrefix}' then
    return 0
  else
    ring = redis.call('GET', key)
    if ring == record then
      if lengthen == '1' or redis.call('PTTL', key) > tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
      stored = 2
    end
  end
  if channel ~= '' then redis.pcall('PUBLISH', channel, #ring <= ${maxNotificationLength} and ring or bareRing) end
  return stored
end`;

/** Stores a record that no delivery stands behind: progress, a revocation, a failure before the first run. */
export const storeRecord: string = `--[[
  KEYS[1] result key
  ARGV[1] record text  ARGV[2] ttl in ms  ARGV[3] channel or ''  ARGV[4] bare ring, for big records  ARGV[5] '1': a record that is
  there already may be kept for longer
  Returns 1 when stored, 0 when a final record stood there already, 2 when this one did.
  Effects: SET result, or PEXPIRE; PUBLISH what is then stored (nothing when progress came after the end).
  A final record is never overwritten; a key of a foreign type is. The DEL: see despite-full.
]]
${storeRecordBody}
return store(KEYS[1], unpack(ARGV))
`;

/** Opens the records of tasks that failed, so that they run again. */
export const reopenRecord: string = `--[[
  KEYS[1] result key
  ARGV[1] record text, not final  ARGV[2] ttl in ms
  Returns 1 when the task is open now, 0 when it has ended otherwise than as FAILURE.
  Effects: SET result where a final FAILURE stands, or nothing. Text that cannot be read is taken to be another end.
]]
local call, key = redis.call, KEYS[1]
local old = redis.pcall('GET', key)
if type(old) == 'string' then
  if string.sub(old, 1, ${finalRecordPrefix.length}) ~= '${finalRecordPrefix}' then return 1 end
  local readable, record = pcall(cjson.decode, old)
  if not readable or record.state ~= 'FAILURE' then return 0 end
end
call('DEL', key)
call('SET', key, ARGV[1], 'PX', ARGV[2])
return 1
`;
