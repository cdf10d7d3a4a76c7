import { blockedUntil } from '@lovage/core/driver';

/** The streams of a queue, as Lua. */
const streams = `{'front', 'p9', 'p8', 'p7', 'p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0'}`;

/** Lua: the task ids of the deliveries under way. As many as the slots of all workers. */
const runningIds = `
local function running(base, group)
  local ids = {}
  for _, name in ipairs(${streams}) do
    local pending = redis.pcall('XPENDING', base .. name, group, '-', '+', 100000)
    if not pending.err then
      for _, one in ipairs(pending) do
        local entry = redis.call('XRANGE', base .. name, one[1], one[1])[1]
        if entry then ids[entry[2][1]] = true end
      end
    end
  end
  return ids
end`;

/** Counts a queue's messages. */
export const streamCounts: string = `--[[
  KEYS[1] beginning of the queue's keys  KEYS[2] stream of dead letters
  ARGV[1] group
  Returns {waiting, delayed, running, dead, held, paused}: what is held is among the delayed; paused is 1 or 0.
  No effects.
]]
local call, base = redis.call, KEYS[1]
local size, running = 0, 0
for _, name in ipairs(${streams}) do
  local length = call('XLEN', base .. name)
  if length > 0 then
    size = size + length
    local pending = redis.pcall('XPENDING', base .. name, ARGV[1])
    if not pending.err then running = running + pending[1] end
  end
end
local removed = 0
for _, count in ipairs(call('HVALS', base .. 'removed')) do removed = removed + count end
return {math.max(0, size - running - removed), call('ZCARD', base .. 'due'), running, call('XLEN', KEYS[2]),
  call('ZCOUNT', base .. 'due', ${blockedUntil}, '+inf'), call('EXISTS', base .. 'paused')}
`;

/** Looks for the oldest of a queue's messages that wait. */
export const streamOldest: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group
  Returns for how many milliseconds it has been ready, by Redis's clock; -1 when none waits.
  No effects. An entry's id tells when it was written, which is when its message became ready. One that was removed while it
  waited is passed over, of the first hundred of each stream.
]]
local call, base, since = redis.call, KEYS[1], nil
local function first(stream, after)
  for _, entry in ipairs(call('XRANGE', stream, after, '+', 'COUNT', 100)) do
    if call('HEXISTS', base .. 'removed', entry[2][1]) == 0 then return entry[1] end
  end
end
for _, name in ipairs(${streams}) do
  local stream, after = base .. name, '-'
  if call('XLEN', stream) > 0 then
    local groups = redis.pcall('XINFO', 'GROUPS', stream)
    for _, info in ipairs(groups.err and {} or groups) do
      local field = {}
      for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
      if field.name == ARGV[1] then after = '(' .. field['last-delivered-id'] end
    end
    local id = first(stream, after)
    local at = id and tonumber(string.match(id, '^%d+'))
    if at and (not since or at < since) then since = at end
  end
end
if not since then return -1 end
local time = call('TIME')
return math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - since)
`;

/** Finds out where messages of one queue stand. */
export const streamLocate: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group  ARGV[2…] task ids
  Returns one letter per id: d(elayed), w(aiting), r(unning), - (not there).
  No effects. What runs is looked through only when a message is there and not delayed.
]]
${runningIds}
local base, places, ran = KEYS[1], {}, nil
for i = 2, #ARGV do
  local id, place = ARGV[i], '-'
  if redis.call('SISMEMBER', base .. 'known', id) == 1 then
    if redis.call('ZSCORE', base .. 'due', id) then place = 'd'
    else
      ran = ran or running(base, ARGV[1])
      place = ran[id] and 'r' or 'w'
    end
  end
  places[i - 1] = place
end
return table.concat(places)
`;

/** Takes messages out that wait or are delayed. */
export const streamRemove: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group  ARGV[2…] task ids
  Returns one letter per id: y(es), r(unning), - (not there).
  Effects: ZREM and HDEL a delayed one. A waiting one is only marked (HINCRBY), since its place in the stream is not known:
  stream-fetch drops it when its turn comes. SREM in either case. The DEL: see despite-full.
]]
${runningIds}
local base, removed, ran = KEYS[1], {}, nil
redis.call('DEL', base .. 'none')
for i = 2, #ARGV do
  local id, done = ARGV[i], '-'
  if redis.call('ZREM', base .. 'due', id) == 1 then
    redis.call('HDEL', base .. 'held', id)
    done = 'y'
  elseif redis.call('SISMEMBER', base .. 'known', id) == 1 then
    ran = ran or running(base, ARGV[1])
    if ran[id] then done = 'r'
    else
      redis.call('HINCRBY', base .. 'removed', id, 1)
      done = 'y'
    end
  end
  if done == 'y' then redis.call('SREM', base .. 'known', id) end
  removed[i - 1] = done
end
return table.concat(removed)
`;

/** Deletes some of what waits or is delayed. */
export const streamPurge: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group  ARGV[2] how many of each stream at most  ARGV[3] name of this page
  Returns {found, ids}: how many entries there were, and the task ids of those that somebody may wait for. The same when it is
  asked for the same page again, within a minute: the reply was lost, and nobody else knows these ids any more.
  Effects: XDEL what lies behind the group's last delivered entry; ZREM and HDEL what is delayed; SREM; SET the page. XGROUP SETID behind
  what was deleted: Redis would count it in the group's lag for ever (before 7.0 it tells none). The first DEL: see
  despite-full.
]]
local call, base = redis.call, KEYS[1]
call('DEL', base .. 'none')
local page = call('GET', base .. 'purging')
if page and string.sub(page, 1, #ARGV[3]) == ARGV[3] then return cjson.decode(string.sub(page, #ARGV[3] + 1)) end
local found, ids = 0, {}
local function forget(list)
  if #list > 0 then call('SREM', base .. 'known', unpack(list)) end
  for _, id in ipairs(list) do ids[#ids + 1] = id end
end
local function passOver(stream)
  local info, field = call('XINFO', 'STREAM', stream), {}
  for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
  local added = field['entries-added']
  if added then redis.pcall('XGROUP', 'SETID', stream, ARGV[1], field['last-generated-id'], 'ENTRIESREAD', added) end
end
for _, name in ipairs(${streams}) do
  local stream, after = base .. name, '-'
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  for _, info in ipairs(groups.err and {} or groups) do
    local field = {}
    for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
    if field.name == ARGV[1] then after = '(' .. field['last-delivered-id'] end
  end
  local entries, gone, fresh = call('XRANGE', stream, after, '+', 'COUNT', ARGV[2]), {}, {}
  for i, entry in ipairs(entries) do
    local id = entry[2][1]
    gone[i] = entry[1]
    if call('HEXISTS', base .. 'removed', id) == 0 then fresh[#fresh + 1] = id
    elseif call('HINCRBY', base .. 'removed', id, -1) <= 0 then call('HDEL', base .. 'removed', id) end
  end
  if #gone > 0 then
    call('XDEL', stream, unpack(gone))
    if #call('XRANGE', stream, '(' .. gone[#gone], '+', 'COUNT', 1) == 0 then passOver(stream) end
  end
  found = found + #gone
  forget(fresh)
end
local delayed = call('ZRANGE', base .. 'due', 0, ARGV[2] - 1)
if #delayed > 0 then
  call('ZREM', base .. 'due', unpack(delayed))
  call('HDEL', base .. 'held', unpack(delayed))
  found = found + #delayed
  forget(delayed)
end
if #ids > 0 then call('SET', base .. 'purging', ARGV[3] .. cjson.encode({found, ids}), 'PX', 60000) end
return {found, ids}
`;
