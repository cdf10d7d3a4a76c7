import { rateTimes } from '@lovage/core/driver';

const micros = 1_000;

/**
 * Lua: the state of a task's rate limit. `line` holds who waits by order, `woken` those that were woken and have not asked since by
 * their moment. Of the hash `state`: `startedAt` the moment of the last start, `wokenAt` the moment for which one was woken last, `arrivals` a
 * counter, `waker` who wakes, `until` how long. All times are microseconds.
 */
const prelude = `
local base, call = KEYS[1], redis.call
local line, woken, state = base .. 'line', base .. 'woken', base .. 'state'
call('DEL', base .. 'none')
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local read = call('HMGET', state, 'startedAt', 'wokenAt', 'arrivals', 'waker', 'until')
local startedAt, wokenAt = tonumber(read[1]) or 0, tonumber(read[2]) or 0
local function whole(number) return string.format('%.0f', number) end
local function keep(...)
  call('HSET', state, ...)
  local ahead = math.max(0, startedAt - now) + interval * (2 + call('ZCARD', line))
  for _, key in ipairs({line, woken, state}) do call('PEXPIRE', key, math.ceil(ahead / 1000) + 604800000) end
end
local function nextMoment()
  local moment = math.max(startedAt, wokenAt) + interval
  if moment < now - ${rateTimes.catchUp * micros} then return now end
  return moment
end
`;

/** Asks whether messages of a task may start. */
export const rateEnter: string = `--[[
  KEYS[1] beginning of the limit's keys
  ARGV[1] interval in microseconds  ARGV[2] 'p' when they are being published, 's' when they would start
  ARGV[3…] triples of member, what a new order begins with, the order it had ('' for none)
  Returns {waiting, free, order, wait, …}: how many wait, then for each '1' or '0', its order, microseconds until its start.
  Effects: ZADD, ZREM, HSET, PEXPIRE. The DEL: see despite-full.
]]
${prelude}
local arrivals, reply = tonumber(read[3]) or 0, {0}
local function newOrder(begin)
  arrivals = arrivals + 1
  return tonumber(begin) + arrivals
end
local function publish(begin)
  if call('EXISTS', line, woken) > 0 then return end
  call('ZADD', woken, now, '')
  return newOrder(begin)
end
local function isNext(member, order)
  if call('ZCARD', woken) > 0 then return false end
  local head = call('ZRANGE', line, 0, 0, 'WITHSCORES')
  return not head[1] or head[1] == member or (order and order < tonumber(head[2]))
end
local function start(member, order)
  local at = tonumber(call('ZSCORE', woken, member))
  call('ZREM', woken, member, '')
  local onTime = at and now - at <= ${rateTimes.lateStart * micros}
  if not onTime and (now < startedAt + interval or not (at or isNext(member, order))) then return end
  startedAt = onTime and math.max(startedAt, at) or now
  call('ZREM', line, member)
  return 0
end
for i = 3, #ARGV, 3 do
  local member, order = ARGV[i], tonumber(ARGV[i + 2])
  local started
  if ARGV[2] == 'p' then started = publish(ARGV[i + 1]) else started = start(member, order) end
  local wait = 0
  if not started then
    order = order or tonumber(call('ZSCORE', line, member)) or newOrder(ARGV[i + 1])
    call('ZADD', line, whole(order), member)
    wait = math.max(0, math.max(startedAt, wokenAt) + interval - now) + call('ZRANK', line, member) * interval
  end
  reply[#reply + 1] = started and '1' or '0'
  reply[#reply + 1] = whole(started or order)
  reply[#reply + 1] = whole(wait)
end
keep('startedAt', whole(startedAt), 'arrivals', whole(arrivals))
reply[1] = call('ZCARD', line)
return reply
`;

/** Takes those out of the line whose moment has come. */
export const rateWake: string = `--[[
  KEYS[1] beginning of the limit's keys
  ARGV[1] interval in microseconds  ARGV[2] who asks  ARGV[3] how many may be on their way  ARGV[4] microseconds to look again when
  they are
  Returns {next, member, …}: microseconds after which to ask again, -1 when the line is empty; the members that are woken.
  Effects: ZPOPMIN, ZADD, ZREMRANGEBYSCORE, HSET, PEXPIRE; none when the line is empty or another one wakes.
]]
${prelude}
call('ZREMRANGEBYSCORE', woken, '-inf', '(' .. whole(now - ${rateTimes.wokenFor * micros}))
if call('ZCARD', line) == 0 then
  if read[4] == ARGV[2] then call('HDEL', state, 'waker') end
  return {-1}
end
local other = tonumber(read[5]) or 0
if read[4] ~= ARGV[2] and other > now then return {whole(other - now + 1000)} end
local room, reply = tonumber(ARGV[3]) - call('ZCARD', woken), {ARGV[4]}
if room > 0 then
  local first = nextMoment()
  local due = interval > 0 and math.floor((now - first) / interval) + 1 or room
  local count = math.max(0, math.min(due, room))
  local popped = count > 0 and call('ZPOPMIN', line, count) or {}
  for i = 1, #popped, 2 do
    wokenAt = first + (i - 1) / 2 * interval
    call('ZADD', woken, whole(wokenAt), popped[i])
    reply[#reply + 1] = popped[i]
  end
  reply[1] = call('ZCARD', line) == 0 and -1 or whole(math.max(0, nextMoment() - now))
end
local pause = tonumber(reply[1])
local lease = pause < 0 and 0 or now + math.min(pause, ${rateTimes.longestPause * micros}) + ${rateTimes.lease * micros}
keep('wokenAt', whole(wokenAt), 'waker', ARGV[2], 'until', whole(lease))
return reply
`;

/** Forgets messages that are not there any more. */
export const rateDrop: string = `--[[
  KEYS[1] beginning of the limit's keys
  ARGV[1] interval in microseconds  ARGV[2…] members
  Returns nothing of interest.
  Effects: ZREM; HSET and PEXPIRE: the moments of those that were woken go to the next.
]]
${prelude}
call('ZREM', woken, '')
for i = 2, #ARGV do
  call('ZREM', line, ARGV[i])
  if call('ZREM', woken, ARGV[i]) == 1 then wokenAt = wokenAt - interval end
end
keep('wokenAt', whole(wokenAt))
return 0
`;
