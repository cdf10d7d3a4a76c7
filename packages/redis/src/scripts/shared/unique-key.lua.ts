/** Takes a key for a task. */
export const acquireUniqueKey = `--[[
  KEYS[1] the claim
  ARGV[1] task id  ARGV[2] its queue  ARGV[3] ttl in ms  ARGV[4] '1' when the message was published
  ARGV[5] holder to take it from, or ''  ARGV[6] '1' to take it from any
  ARGV[7] period and  ARGV[8] timeout of a burst in ms, or ''
  Returns the claim of another task that holds the key, or held it until now: id, queue, published ('1' or ''), its age
  and that of its burst in ms, id and queue of the last published one before it ('' for none); nil when the key was free,
  or this task's.
  Effects: a hash with an expiry. The DEL lets a worker take a key although Redis is full: see despite-full.
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, queue, published, at, since, before, place =
  unpack(redis.call('HMGET', KEYS[1], 'id', 'queue', 'published', 'at', 'since', 'before', 'place'))
if id == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  if ARGV[4] == '1' and published ~= '1' then redis.call('HSET', KEYS[1], 'published', '1') end
  return false
end
local holder = id and { id, queue, published, now - at, now - since, before, place }
if holder and ARGV[6] ~= '1' and id ~= ARGV[5] then return holder end
local begun = now
if holder and ARGV[7] ~= '' and now - at < tonumber(ARGV[7]) and now - since < tonumber(ARGV[8]) then begun = since end
if published == '1' then before, place = id, queue end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'queue', ARGV[2], 'published', ARGV[4], 'at', now, 'since', begun,
  'before', before or '', 'place', place or '')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return holder
`;

/** Records that the message of a claim was published. */
export const confirmUniqueKey = `--[[
  KEYS[1] the claim
  ARGV[1] task id
  Returns the id that holds the key; nil when it is free.
  Effects: HSET when it is this task's.
]]
local id = redis.call('HGET', KEYS[1], 'id')
if id == ARGV[1] then redis.call('HSET', KEYS[1], 'published', '1') end
return id
`;

/** Frees a key. */
export const releaseUniqueKey = `--[[
  KEYS[1] the claim
  ARGV[1] task id
  Returns 1, or 0 when the key is not this task's.
  Effects: DEL.
]]
if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
