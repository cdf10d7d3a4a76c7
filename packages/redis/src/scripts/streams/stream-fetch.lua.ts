/** Takes messages from the streams of several queues, high bands first. */
export const streamFetch = `--[[
  KEYS beginnings of the queues' keys, in the order in which they are to be served
  ARGV[1] group  ARGV[2] consumer  ARGV[3] how many at most  ARGV[4] how many of them by turns  ARGV[5] number of the turn
  ARGV[6] stream of signals, or ''
  Returns {found, missing, paused, empty}: found is a flat list of queue (its place in KEYS), name of the stream, entries as XREADGROUP
  gives them; missing lists the queues that have lost a stream or a group, or have a key of another type in its place; paused those that are paused: nothing is taken of them;
  empty, given a stream of signals, those that had nothing more: they are marked to signal when they have (SET).
  Effects: XREADGROUP; entries that were removed while they waited are XACKed and XDELed instead of returned.
  Each queue is served its share first, then what others left. Within a queue: what was handed back, then the bands from
  9 to 0. Taken by turns are those that a saturated high band would starve: they come from the bands below it, beginning
  with another one each time.
]]
local group, consumer, turn = ARGV[1], ARGV[2], tonumber(ARGV[5])
local found, missing, paused, empty = {}, {}, {}, {}

local function drop(base, stream, entries)
  local kept = {}
  for _, entry in ipairs(entries) do
    local id = entry[2] and entry[2][1]
    if id and redis.pcall('HEXISTS', base .. 'removed', id) == 1 then
      redis.call('XACK', stream, group, entry[1])
      redis.call('XDEL', stream, entry[1])
      local left = redis.pcall('HINCRBY', base .. 'removed', id, -1) -- a mark that is no number is one
      if type(left) ~= 'number' or left <= 0 then redis.call('HDEL', base .. 'removed', id) end
    else
      kept[#kept + 1] = entry
    end
  end
  return kept
end

local function take(queue, count, fair)
  local base = KEYS[queue]
  local marks = redis.call('EXISTS', base .. 'removed', base .. 'paused')
  local removed = marks > 0
  if marks > 0 and redis.call('EXISTS', base .. 'paused') == 1 then
    paused[#paused + 1] = queue
    return 0
  end
  local broken, dropped, got = false, false, 0
  local function read(name, most)
    if most < 1 or broken then return 0 end
    local stream = base .. name
    local reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', most, 'STREAMS', stream, '>')
    if not reply then return 0 end
    if reply.err then
      broken = true
      missing[#missing + 1] = queue
      return 0
    end
    local entries = reply[1][2]
    if removed then
      local kept = drop(base, stream, entries)
      dropped = dropped or #kept < #entries
      entries = kept
    end
    if #entries == 0 then return 0 end
    found[#found + 1] = queue
    found[#found + 1] = name
    found[#found + 1] = entries
    got = got + #entries
    return #entries
  end
  read('front', count)
  local band = 9
  while band > 0 do
    local most = count - fair - got
    if most <= 0 then break end
    if read('p' .. band, most) == most then break end
    band = band - 1
  end
  if band > 0 and fair > 0 and count > got then
    local below = count - fair <= 0 and 10 or band
    for step = 1, math.min(fair, count - got) do
      local first, served = (turn + step) % below, 0
      for i = 0, below - 1 do
        served = read('p' .. (first - i) % below, 1)
        if served > 0 then break end
      end
      if served == 0 then break end
    end
    while band > 0 and count > got do
      read('p' .. band, count - got)
      band = band - 1
    end
  end
  if count > got then read('p0', count - got) end
  if ARGV[6] ~= '' and got < count and not broken and not dropped then
    redis.call('SET', base .. 'armed', ARGV[6])
    empty[#empty + 1] = queue
  end
  return got
end

local left, full = tonumber(ARGV[3]), {}
for queue = 1, #KEYS do
  local share = math.ceil(left / (#KEYS - queue + 1))
  local got = take(queue, share, math.min(tonumber(ARGV[4]), share))
  if got == share then full[#full + 1] = queue end
  left = left - got
  if left == 0 then break end
end
for _, queue in ipairs(full) do
  if left == 0 then break end
  left = left - take(queue, left, 0)
end
return {found, missing, paused, empty}
`;

/** Drops entries that were removed while they waited and have been read by a plain XREADGROUP. */
export const streamDrop = `--[[
  KEYS[1] stream  KEYS[2] beginning of the queue's keys
  ARGV[1] group  ARGV[2…] pairs of entry id, task id
  Returns {dropped, paused}: the places (from 0) of the entries that are dropped, and 1 when the queue is paused, else 0.
  Effects: XACK, XDEL, and the mark of the removal goes. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[2] .. 'none')
local dropped, removed = {}, KEYS[2] .. 'removed'
for i = 2, #ARGV, 2 do
  if redis.pcall('HEXISTS', removed, ARGV[i + 1]) == 1 then
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
    redis.call('XDEL', KEYS[1], ARGV[i])
    local left = redis.pcall('HINCRBY', removed, ARGV[i + 1], -1)
    if type(left) ~= 'number' or left <= 0 then redis.call('HDEL', removed, ARGV[i + 1]) end
    dropped[#dropped + 1] = i / 2 - 1
  end
end
return {dropped, redis.call('EXISTS', KEYS[2] .. 'paused')}
`;
