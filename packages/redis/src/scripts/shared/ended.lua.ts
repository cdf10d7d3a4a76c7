/** Remembers outcomes that were stored, a batch as one entry, in the order in which they came. */
export const noteEnded = `--[[
  KEYS[1] list of batches  KEYS[2] hash of totals
  ARGV[1] kind  ARGV[2] how many  ARGV[3] bytes they take  ARGV[4] ms until the last of them expires  ARGV[5] ids as JSON
  Returns how many there are of the kind.
  Effects: RPUSH 'at:expires:count:bytes:ids', HINCRBY. The DEL: see despite-full; what a full Redis did not remember
  would fill it until it expires.
]]
redis.call('DEL', KEYS[1] .. ':none')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = string.format('%.0f:%.0f:%s:%s:%s', now, now + ARGV[4], ARGV[2], ARGV[3], ARGV[5])
redis.call('RPUSH', KEYS[1], entry)
redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':bytes', ARGV[3])
return redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':count', ARGV[2])
`;

/** Takes the turn of a fleet, although Redis may be full: what a sweep deletes makes room. */
export const takeTurn = `--[[
  KEYS[1] lock
  ARGV[1] ms for which nobody else gets it
  Returns 1, or 0 when another one has it.
  Effects: SET. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
return redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) and 1 or 0
`;

/** Deletes the oldest outcomes of a kind while there are too many, or they take too much. */
export const sweepEnded = `--[[
  KEYS[1] list of batches  KEYS[2] hash of totals
  ARGV[1] kind  ARGV[2] most outcomes  ARGV[3] most bytes  ARGV[4] youngest that may go, ms  ARGV[5] beginning of the result
  keys  ARGV[6] batches at most
  Returns {count, bytes, more}: what is left, and 1 when the batches were used up.
  Effects: DEL results; LPOP or LSET; HSET totals. Batches whose outcomes have all gone by themselves are let go too. An empty
  list has totals of zero, whatever was counted twice or lost on the way. The first DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
local call, kind = redis.call, ARGV[1]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local count = tonumber(call('HGET', KEYS[2], kind .. ':count') or 0)
local bytes = tonumber(call('HGET', KEYS[2], kind .. ':bytes') or 0)
local most, room, more = tonumber(ARGV[2]), tonumber(ARGV[3]), 1
for _ = 1, tonumber(ARGV[6]) do
  local head = call('LINDEX', KEYS[1], 0)
  if not head then
    count, bytes, more = 0, 0, 0
    break
  end
  local at, expires, size, weight, text = string.match(head, '^(%d+):(%d+):(%d+):(%d+):(.*)$')
  if not at then call('LPOP', KEYS[1])
  else
    size, weight = tonumber(size), tonumber(weight)
    local ids, keys = cjson.decode(text), {}
    for i, id in ipairs(ids) do keys[i] = ARGV[5] .. id end
    local over = math.max(count - most, math.ceil(size * (bytes - room) / math.max(1, weight)))
    local gone = tonumber(expires) <= now or call('EXISTS', unpack(keys)) == 0
    if not gone and (over <= 0 or now - at < tonumber(ARGV[4])) then
      more = 0
      break
    end
    local going = gone and #ids or math.min(#ids, over)
    if tonumber(expires) > now then call('DEL', unpack(keys, 1, going)) end
    if going == #ids then
      call('LPOP', KEYS[1])
      count, bytes = count - size, bytes - weight
    else
      local left = {}
      for i = going + 1, #ids do left[#left + 1] = ids[i] end
      local share = math.floor(weight * #left / #ids)
      call('LSET', KEYS[1], 0, string.format('%s:%s:%d:%.0f:%s', at, expires, #left, share, cjson.encode(left)))
      count, bytes = count - size + #left, bytes - weight + share
    end
  end
end
count, bytes = math.max(0, count), math.max(0, bytes)
call('HSET', KEYS[2], kind .. ':count', count, kind .. ':bytes', bytes)
return {count, bytes, more}
`;

/** Takes outcomes that were deleted off the oldest batch. */
export const shortenEnded = `--[[
  KEYS[1] list of batches  KEYS[2] hash of totals
  ARGV[1] kind  ARGV[2] the batch as it was read  ARGV[3] what is left of it, '' for nothing  ARGV[4] how many went
  ARGV[5] bytes they took
  Returns 1, or 0 when another batch is the first by now (then nothing is written).
  Effects: LPOP or LSET; HINCRBY. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('LPOP', KEYS[1]) else redis.call('LSET', KEYS[1], 0, ARGV[3]) end
redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':count', -ARGV[4])
redis.call('HINCRBY', KEYS[2], ARGV[1] .. ':bytes', -ARGV[5])
return 1
`;
