import { recheckAfter } from '@lovage/core/driver';

/**
 * What the scripts of the admission share. A group's keys: `holders`, a hash of who is in and since when; `line`, a sorted set of who waits, by tag; `flows`, a sorted set of where each flow's last tag ends; `state`,
 * its limit and the tag of who got in last. All of them go with the last member. `look` says when each group is to be
 * looked at.
 */
export const shared: string = `
local call, base = redis.call, KEYS[1]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function key(group, name) return base .. 'g:' .. group .. ':' .. name end
local function admit(group, into)
  local holders, line, state = key(group, 'holders'), key(group, 'line'), key(group, 'state')
  local room = (tonumber(call('HGET', state, 'limit')) or 0) - call('HLEN', holders)
  while room > 0 do
    local head = call('ZRANGE', line, 0, 0, 'WITHSCORES')
    if not head[1] then break end
    call('ZREM', line, head[1])
    call('HSET', holders, head[1], now)
    call('HSET', state, 'turn', head[2])
    call('ZREMRANGEBYSCORE', key(group, 'flows'), '-inf', head[2])
    into[#into + 1] = group
    into[#into + 1] = head[1]
    room = room - 1
  end
end
`;

/** Takes places, or turns in the line. */
export const semaphoreAcquire: string = `--[[
  KEYS[1] beginning of all keys of the admission
  ARGV[1] '1': also when Redis is full  ARGV[2…] six of each entry: group, member, limit, flow, cost, member that it
  replaces or ''
  Returns {fences, admitted}: a fence for each entry, 0 when it waits; then pairs of group, member who got in.
  Effects: HSET to holders or ZADD to the line, ZADD to flows, HSET to state, INCR the fence, ZADD to look.
  Start-time fair queueing: the tag is the end of the flow's last one, or the tag of who got in last.
]]
${shared}
if ARGV[1] == '1' then call('DEL', base .. 'none') end
local function text(number) return string.format('%.17g', number) end
local fences, admitted = {}, {}
for i = 2, #ARGV, 6 do
  local group, member, old = ARGV[i], ARGV[i + 1], ARGV[i + 5]
  local holders, line, flows, state = key(group, 'holders'), key(group, 'line'), key(group, 'flows'), key(group, 'state')
  if old ~= '' and call('HDEL', holders, old) == 1 then
    if call('HGET', base .. 'halted', group) == old then call('HDEL', base .. 'halted', group) end
    call('ZREM', line, member)
    call('HSET', holders, member, now)
  end
  call('HSET', state, 'limit', ARGV[i + 2])
  if call('HEXISTS', holders, member) == 0 and not call('ZSCORE', line, member) then
    local tag = math.max(tonumber(call('HGET', state, 'turn') or 0), tonumber(call('ZSCORE', flows, ARGV[i + 3]) or 0))
    call('ZADD', flows, text(tag + ARGV[i + 4]), ARGV[i + 3])
    call('ZADD', line, text(tag), member)
  end
  admit(group, admitted)
  local at, due = tonumber(call('ZSCORE', base .. 'look', group) or 'inf'), now + ${recheckAfter.later}
  if call('HEXISTS', holders, member) == 1 then
    fences[#fences + 1] = call('INCR', base .. 'fence')
  else
    fences[#fences + 1] = 0
    due = now + ${recheckAfter.soon}
  end
  if due < at then call('ZADD', base .. 'look', due, group) end
end
return {fences, admitted}
`;

/** `leave(line, from)`: the pairs from `ARGV[from]` on leave, `line`: the line too. Gives pairs of group, member who got in. */
export const leave: string = `
local function leave(fromLine, from)
  local admitted = {}
  for i = from, #ARGV, 2 do
    local group, member = ARGV[i], ARGV[i + 1]
    local holders, line = key(group, 'holders'), key(group, 'line')
    if call('HDEL', holders, member) == 1 and call('HGET', base .. 'halted', group) == member then
      call('HDEL', base .. 'halted', group)
    end
    if fromLine then call('ZREM', line, member) end
    admit(group, admitted)
    if call('HLEN', holders) == 0 and call('ZCARD', line) == 0 then
      call('DEL', key(group, 'flows'), key(group, 'state'))
      call('ZREM', base .. 'look', group)
    end
  end
  return admitted
end
`;

/** Gives places, or turns, back. */
export const semaphoreRelease: string = `--[[
  KEYS[1] beginning of all keys of the admission
  ARGV[1] '1': who waits in the line stays there  ARGV[2…] pairs of group, member
  Returns pairs of group, member who got in.
  Effects: HDEL and ZREM the member, HSET to holders whoever is next; DEL and ZREM what belongs to an empty group.
  HDEL comes first: a full Redis takes what follows it.
]]
${shared}
${leave}
return leave(ARGV[1] == '', 2)
`;

/** Keeps a place for good. */
export const semaphoreHalt: string = `--[[
  KEYS[1] beginning of all keys of the admission
  ARGV[1] group  ARGV[2] member
  Returns 1, or 0 when it holds no place.
  Effects: HSET. The DEL: see despite-full; a key that is not halted lets the next one run.
]]
${shared}
call('DEL', base .. 'none')
if call('HEXISTS', key(ARGV[1], 'holders'), ARGV[2]) == 0 then return 0 end
call('HSET', base .. 'halted', ARGV[1], ARGV[2])
return 1
`;

/** Finds places that nobody has looked at for a while. */
export const semaphoreOverdue: string = `--[[
  KEYS[1] beginning of all keys of the admission
  ARGV[1] ms within which one caller gets an answer  ARGV[2] ms that a place has been held at least  ARGV[3] groups at most
  Returns three of each place: group, member, ms it has been held; nothing when another caller has had the answer.
  Effects: SET the lock, ZADD when the group is looked at next. The DEL: see despite-full.
]]
${shared}
call('DEL', base .. 'none')
local found = {}
if not call('SET', base .. 'lock', '1', 'NX', 'PX', ARGV[1]) then return false end
for _, group in ipairs(call('ZRANGEBYSCORE', base .. 'look', '-inf', now, 'LIMIT', 0, ARGV[3])) do
  local halted = call('HGET', base .. 'halted', group)
  local holders = redis.pcall('HGETALL', key(group, 'holders'))
  if holders.err then holders = {} end
  local youngest = ${recheckAfter.later}
  for i = 1, #holders, 2 do
    local held = now - (tonumber(holders[i + 1]) or 0)
    youngest = math.min(youngest, held)
    if holders[i] ~= halted and held >= tonumber(ARGV[2]) then
      found[#found + 1] = group
      found[#found + 1] = holders[i]
      found[#found + 1] = held
    end
  end
  local size = redis.pcall('ZCARD', key(group, 'line'))
  local waits = type(size) == 'number' and size > 0
  local rest = waits and ${recheckAfter.soon} or math.max(${recheckAfter.soon}, youngest)
  if not waits and #holders == 0 then call('ZREM', base .. 'look', group)
  else call('ZADD', base .. 'look', now + rest, group) end
end
return found
`;

/** The first in a group's line. */
export const semaphoreWaitingList: string = `--[[
  KEYS[1] beginning of all keys of the admission
  ARGV[1] group  ARGV[2] how many at most
  Returns members.
  No effects.
]]
${shared}
return call('ZRANGE', key(ARGV[1], 'line'), 0, ARGV[2] - 1)
`;

/** Tells who is known. */
export const semaphoreHas: string = `--[[
  KEYS[1] beginning of all keys of the admission
  ARGV pairs of group, member
  Returns a letter each: y(es), who is in or waits, or -.
  No effects.
]]
${shared}
local known = {}
for i = 1, #ARGV, 2 do
  local group, member = ARGV[i], ARGV[i + 1]
  local found = call('HEXISTS', key(group, 'holders'), member) == 1 or call('ZSCORE', key(group, 'line'), member)
  known[#known + 1] = found and 'y' or '-'
end
return table.concat(known)
`;
