import { queueSignal } from './queue-signal.lua.ts';

/** The streams of a queue, as Lua. What was handed back stands in `front`. */
const streams = `{'front', 'p9', 'p8', 'p7', 'p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0'}`;

/** Makes what a worker of a queue needs. */
export const streamOpen: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group
  Returns how many streams had no group.
  Effects: XGROUP CREATE … MKSTREAM where there is none, from the first entry on. Where every stream was gone and
  nothing is held back, the ids that are still known belong to nothing: DEL. The first DEL: see despite-full.
]]
local call, base = redis.call, KEYS[1]
call('DEL', base .. 'none')
local made, size = 0, 0
for _, name in ipairs(${streams}) do
  local reply = redis.pcall('XGROUP', 'CREATE', base .. name, ARGV[1], '0', 'MKSTREAM')
  if not reply.err then made = made + 1
  elseif not string.find(reply.err, 'BUSYGROUP', 1, true) then return reply end
  size = size + call('XLEN', base .. name)
end
if made > 0 and size == 0 and call('ZCARD', base .. 'due') == 0 then call('DEL', base .. 'known', base .. 'removed', base .. 'held') end
return made
`;

/** Moves the messages whose time has come to their bands. */
export const streamPromote: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] how many at most
  Returns milliseconds until the next one is due, 0 when more are due now, -1 when none is held back.
  Effects: XADD, ZREM, HDEL. Two commands when nothing is due. The DEL: see despite-full. What is no body of a message goes to the
  lowest band as it is, where a reader parks it; a message whose band is no stream is tried again after 5 s. One that broke the script
  off would hold up all others.
]]
local base, call = KEYS[1], redis.call
local due, held = base .. 'due', base .. 'held'
local head = call('ZRANGE', due, 0, 0, 'WITHSCORES')
if not head[1] then return -1 end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(head[2]) > now then return math.ceil(head[2] - now) end
call('DEL', base .. 'none')
${queueSignal}
local ids = call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[1])
local bodies = call('HMGET', held, unpack(ids))
local done = {}
for i, id in ipairs(ids) do
  local body, added = bodies[i], nil
  if body then
    local band, lost, payload = string.match(body, '^(%d)(%d*):(.*)$')
    local stream = base .. 'p' .. (band or '0')
    if not band or lost == '' or lost == '0' then added = redis.pcall('XADD', stream, '*', id, payload or body)
    else added = redis.pcall('XADD', stream, '*', id, payload, 'lost', lost) end
  end
  if type(added) == 'table' and added.err then call('ZADD', due, now + 5000, id)
  else done[#done + 1] = id end
end
if #done > 0 then
  call('ZREM', due, unpack(done))
  call('HDEL', held, unpack(done))
end
signal(base)
head = call('ZRANGE', due, 0, 0, 'WITHSCORES')
if not head[1] then return -1 end
return math.max(0, math.ceil(head[2] - now))
`;

/** Gives deliveries whose lease ran out to whoever takes next. */
export const streamSweep: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group  ARGV[2] lease in ms of consumers whose name tells none  ARGV[3] how many of each stream at most  ARGV[4] ms during which no other worker
  need look, 0 to look in any case  ARGV[5] ms for which a consumer that holds nothing is kept, 0 not to look at them
  Returns how many were moved, or -1 when another worker looked a moment ago.
  Effects: XADD to the front with one more lost lease, XACK, XDEL. The new entry is what fences the old holder: the entry
  it was given is gone. The DEL: see despite-full. Now and then XGROUP DELCONSUMER those that hold nothing and have not
  read for long: crashed workers leave them. One that lives is made again by its next read.
]]
local call, base, group = redis.call, KEYS[1], ARGV[1]
call('DEL', base .. 'none')
if ARGV[4] ~= '0' and not call('SET', base .. 'sweep', '1', 'NX', 'PX', ARGV[4]) then return -1 end
local moved = 0
${queueSignal}
-- a lease lasts as long as its holder says
local function orphans(stream)
  local found = {}
  for _, holder in ipairs(call('XPENDING', stream, group)[4] or {}) do
    local lease, room = string.match(holder[1], '~(%d+)$') or ARGV[2], ARGV[3] - #found
    if room == 0 then break end
    for _, pending in ipairs(call('XPENDING', stream, group, 'IDLE', lease, '-', '+', room, holder[1])) do
      found[#found + 1] = pending
    end
  end
  return found
end
for _, name in ipairs(${streams}) do
  local stream = base .. name
  for _, pending in ipairs(orphans(stream)) do
    local entry = call('XRANGE', stream, pending[1], pending[1])[1]
    if entry then
      local fields, band, lost = entry[2], string.sub(name, 2), 0
      for i = 3, #fields, 2 do
        if fields[i] == 'band' then band = fields[i + 1] end
        if fields[i] == 'lost' then lost = tonumber(fields[i + 1]) or 0 end
      end
      call('XADD', base .. 'front', '*', fields[1], fields[2], 'band', band, 'lost', lost + 1)
    end
    call('XACK', stream, group, pending[1])
    call('XDEL', stream, pending[1])
    moved = moved + 1
  end
end
if moved > 0 then signal(base) end
if ARGV[5] ~= '0' and call('SET', base .. 'tidied', '1', 'NX', 'PX', ARGV[5]) then
  for _, name in ipairs(${streams}) do
    for _, info in ipairs(call('XINFO', 'CONSUMERS', base .. name, group)) do
      local field = {}
      for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
      if field.pending == 0 and field.idle >= tonumber(ARGV[5]) then
        call('XGROUP', 'DELCONSUMER', base .. name, group, field.name)
      end
    end
  end
end
return moved
`;

/** Remembers a queue, although Redis may be full. */
export const streamRegister = `--[[
  KEYS[1] names of all queues
  ARGV[1] queue
  Returns nothing of interest.
  Effects: SADD. The SREM of nothing before it: see despite-full.
]]
redis.call('SREM', KEYS[1], '')
return redis.call('SADD', KEYS[1], ARGV[1])
`;

/** Takes leave of a queue. */
export const streamLeave: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] group  ARGV[2] consumer
  Returns nothing of interest.
  Effects: XGROUP DELCONSUMER where the consumer holds nothing; what it holds would be lost with it.
]]
for _, name in ipairs(${streams}) do
  local stream = KEYS[1] .. name
  local pending = redis.pcall('XPENDING', stream, ARGV[1], '-', '+', 1, ARGV[2])
  if not pending.err and #pending == 0 then redis.pcall('XGROUP', 'DELCONSUMER', stream, ARGV[1], ARGV[2]) end
end
return 0
`;
