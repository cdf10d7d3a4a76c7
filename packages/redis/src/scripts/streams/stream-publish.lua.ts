import { readLines } from './lines.lua.ts';
import { queueSignal } from './queue-signal.lua.ts';

/** Adds messages that may run at once. */
export const streamPublish: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] band  ARGV[2] number of messages  ARGV[3] ids  ARGV[4] what separates them  ARGV[5] payloads, each a line
  Returns how many were added.
  Effects: XADD each message whose id the queue does not know, SADD its id to those it knows. One entry is one field, the
  id, with the payload as its value. Entries come first: a full Redis refuses the first write, and then nothing is done.
]]
local stream, known, count = KEYS[1] .. 'p' .. ARGV[1], KEYS[1] .. 'known', tonumber(ARGV[2])
local call = redis.call
${queueSignal}
if count == 1 then
  if call('SISMEMBER', known, ARGV[3]) == 1 then return 0 end
  call('XADD', stream, '*', ARGV[3], ARGV[5])
  call('SADD', known, ARGV[3])
  signal(KEYS[1])
  return 1
end
${readLines}
local ids, payloads = lines(ARGV[3], count, ARGV[4]), lines(ARGV[5], count, '\\n')
local there = call('SMISMEMBER', known, unpack(ids))
local fresh, seen = {}, {}
for i = 1, count do
  local id = ids[i]
  if there[i] == 0 and not seen[id] then
    seen[id] = true
    call('XADD', stream, '*', id, payloads[i])
    fresh[#fresh + 1] = id
  end
end
if #fresh > 0 then
  call('SADD', known, unpack(fresh))
  signal(KEYS[1])
end
return #fresh
`;

/** Adds messages that are held back until their time. */
export const streamPublishAt: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] channel of its workers  ARGV[2…] triples of id, due (epoch ms), band and payload as 'band:payload'
  Returns how many were added.
  Effects: ZADD and HSET each message whose id the queue does not know, or XADD when its time has passed by Redis's clock;
  SADD its id. PUBLISH the milliseconds to the next due one when that has changed, for the workers' timers.
]]
local base, call = KEYS[1], redis.call
${queueSignal}
local known, due, held = base .. 'known', base .. 'due', base .. 'held'
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local head = call('ZRANGE', due, 0, 0)[1]
local added = 0
for i = 2, #ARGV, 3 do
  local id, at, body = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  if call('SISMEMBER', known, id) == 0 then
    if at <= now then
      call('XADD', base .. 'p' .. string.sub(body, 1, 1), '*', id, string.sub(body, 3))
      signal(base)
    else
      call('HSET', held, id, body)
      call('ZADD', due, at, id)
    end
    call('SADD', known, id)
    added = added + 1
  end
end
local next = call('ZRANGE', due, 0, 0, 'WITHSCORES')
if next[1] and next[1] ~= head then redis.pcall('PUBLISH', ARGV[1], math.max(0, next[2] - now)) end
return added
`;
