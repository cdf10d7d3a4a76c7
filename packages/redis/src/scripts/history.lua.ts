/** Adds a batch of rows to a stream of the history, and lets the oldest batches go. */
export const historyAppend = `--[[
  KEYS[1] beginning of the history's keys
  ARGV[1] kind of rows  ARGV[2] how many  ARGV[3] the rows as one text  ARGV[4] most rows  ARGV[5] most bytes
  Returns how many rows there are.
  Effects: XADD one entry for the batch; XDEL the oldest while there are too many rows or they take too much, eight at most; HSET totals.
]]
local call, stream, totals, kind = redis.call, KEYS[1] .. 'runs:' .. ARGV[1], KEYS[1] .. 'totals', ARGV[1]
call('XADD', stream, '*', 'n', ARGV[2], 'd', ARGV[3])
local rows = call('HINCRBY', totals, kind .. ':rows', ARGV[2])
local bytes = call('HINCRBY', totals, kind .. ':bytes', #ARGV[3])
if rows <= tonumber(ARGV[4]) and bytes <= tonumber(ARGV[5]) then return rows end
for _, entry in ipairs(call('XRANGE', stream, '-', '+', 'COUNT', 8)) do
  if rows <= tonumber(ARGV[4]) and bytes <= tonumber(ARGV[5]) then break end
  call('XDEL', stream, entry[1])
  rows, bytes = rows - tonumber(entry[2][2]), bytes - #entry[2][4]
end
call('HSET', totals, kind .. ':rows', rows, kind .. ':bytes', bytes)
return rows
`;

/** Lets batches of rows go that are too old, 100 at most. */
export const historyExpire = `--[[
  KEYS[1] beginning of the history's keys
  ARGV[1] kind of rows  ARGV[2] the oldest moment that is kept, epoch ms
  Returns how many batches went.
  Effects: XDEL; HSET totals. An empty stream has totals of zero, whatever was counted.
]]
local call, stream, totals, kind = redis.call, KEYS[1] .. 'runs:' .. ARGV[1], KEYS[1] .. 'totals', ARGV[1]
local gone, rows, bytes = 0, 0, 0
for _, entry in ipairs(call('XRANGE', stream, '-', '(' .. ARGV[2], 'COUNT', 100)) do
  call('XDEL', stream, entry[1])
  gone, rows, bytes = gone + 1, rows + tonumber(entry[2][2]), bytes + #entry[2][4]
end
if call('XLEN', stream) == 0 then call('HDEL', totals, kind .. ':rows', kind .. ':bytes')
elseif gone > 0 then
  call('HINCRBY', totals, kind .. ':rows', -rows)
  call('HINCRBY', totals, kind .. ':bytes', -bytes)
end
return gone
`;

/** Adds statistics to those of their minutes. */
export const historyMinutes = `--[[
  KEYS[1] beginning of the history's keys
  ARGV[1] ms for which a minute is kept  ARGV[2…] triples of minute, field, statistics as JSON:
  [succeeded, failed, retried, revoked, busy, wait buckets, run buckets]
  Returns how many fields were new.
  Effects: HSET each field with the sum of what was there and what is given; PEXPIRE.
]]
local fresh = 0
for at = 2, #ARGV, 3 do
  local key, field, text = KEYS[1] .. 'minute:' .. ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local old = redis.call('HGET', key, field)
  if old then
    local sum, added = cjson.decode(old), cjson.decode(text)
    for i = 1, 5 do sum[i] = sum[i] + added[i] end
    for i = 6, 7 do
      for bucket, count in pairs(added[i]) do sum[i][bucket] = (sum[i][bucket] or 0) + count end
    end
    text = cjson.encode(sum)
  else fresh = fresh + 1 end
  redis.call('HSET', key, field, text)
  redis.call('PEXPIRE', key, ARGV[1])
end
return fresh
`;

/** Lua: `drop(id)` takes a failure off every list of it; false when it is not there. `bytes` is what all of them take. */
const dropFailure = `
local call, base = redis.call, KEYS[1]
local byTime, rows, groups, totals = base .. 'failures', base .. 'failure-rows', base .. 'failure-groups', base .. 'totals'
local bytes = tonumber(call('HGET', totals, 'failures:bytes') or 0)
local function drop(id)
  local old = call('HGET', rows, id)
  call('ZREM', byTime, id)
  if not old then return false end
  bytes = bytes - #old
  call('HDEL', rows, id)
  call('ZREM', base .. 'failures:' .. string.sub(old, 1, 12), id)
  return true
end`;

/** Writes failures down that can be run again, and lets the oldest go. */
export const historyFail: string = `--[[
  KEYS[1] beginning of the history's keys
  ARGV[1] most failures  ARGV[2] most bytes  ARGV[3] the oldest moment that is kept, epoch ms
  ARGV[4…] quintuples of id, time, fingerprint (12 characters), failure as JSON, group as JSON
  Returns how many there are.
  Effects: ZADD the id to the list of all and to that of its group; HSET the failure as fingerprint and JSON, the group as
  'firstAt:total:JSON'. A failure that is there already is written anew. Groups without failures stay until the sweep.
]]
${dropFailure}
for at = 4, #ARGV, 5 do
  local id, time, fingerprint, text = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  drop(id)
  call('ZADD', byTime, time, id)
  call('ZADD', base .. 'failures:' .. fingerprint, time, id)
  call('HSET', rows, id, fingerprint .. text)
  bytes = bytes + 12 + #text
  local old = call('HGET', groups, fingerprint)
  local first, total = string.match(old or '', '^(%d+):(%d+):')
  call('HSET', groups, fingerprint, (first or time) .. ':' .. ((total or 0) + 1) .. ':' .. ARGV[at + 4])
end
local count = call('ZCARD', byTime)
while count > 0 do
  local oldest = call('ZRANGE', byTime, 0, 0, 'WITHSCORES')
  if count <= tonumber(ARGV[1]) and bytes <= tonumber(ARGV[2]) and tonumber(oldest[2]) >= tonumber(ARGV[3]) then break end
  drop(oldest[1])
  count = count - 1
end
call('HSET', totals, 'failures:bytes', bytes)
return count
`;

/** Takes failures off the list. */
export const historyRemove: string = `--[[
  KEYS[1] beginning of the history's keys
  ARGV ids
  Returns one letter per id: y(es), - (was not there).
  Effects: ZREM, HDEL.
]]
${dropFailure}
local removed = {}
for i, id in ipairs(ARGV) do removed[i] = drop(id) and 'y' or '-' end
call('HSET', totals, 'failures:bytes', bytes)
return table.concat(removed)
`;

/** Lets failures go that are too old, and groups that have none left. */
export const historyForget: string = `--[[
  KEYS[1] beginning of the history's keys
  ARGV[1] the oldest moment that is kept, epoch ms
  Returns how many failures went, 500 at most.
  Effects: as historyRemove; HDEL groups without failures whose list is gone.
]]
${dropFailure}
local old = call('ZRANGEBYSCORE', byTime, '-inf', '(' .. ARGV[1], 'LIMIT', 0, 500)
for _, id in ipairs(old) do drop(id) end
if #old > 0 then call('HSET', totals, 'failures:bytes', bytes) end
if call('HLEN', groups) > 1000 then
  for _, fingerprint in ipairs(call('HKEYS', groups)) do
    if call('EXISTS', base .. 'failures:' .. fingerprint) == 0 then call('HDEL', groups, fingerprint) end
  end
end
return #old
`;
