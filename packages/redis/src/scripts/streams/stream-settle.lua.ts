import { queueSignal } from './queue-signal.lua.ts';
/** Puts a delivery back: a retry, or a release. */
export const streamPutBack: string = `--[[
  KEYS[1] stream of the delivery  KEYS[2] beginning of the queue's keys
  ARGV[1] group  ARGV[2] consumer  ARGV[3] entry id  ARGV[4] task id  ARGV[5] band
  ARGV[6] how often its lease was lost  ARGV[7] the new payload, or '' to keep the one it has
  ARGV[8] when it may run, epoch ms; '' for at once and before all others  ARGV[9] channel of the queue's workers
  Returns 1, or 0 when the lease is lost (then nothing is written).
  Effects: XADD (at once) or ZADD and HSET (later, by Redis's clock) the message under the same id, XACK and XDEL the old
  entry. PUBLISH the milliseconds to the next due one when that has changed.
  The XCLAIM is the guard (it finds what is still pending), and the write that lets a full Redis take what follows.
]]
local call = redis.call
${queueSignal}
local stream, base, group, entry, id = KEYS[1], KEYS[2], ARGV[1], ARGV[3], ARGV[4]
local band, lost, payload = ARGV[5], ARGV[6], ARGV[7]
if #call('XCLAIM', stream, group, ARGV[2], 0, entry, 'JUSTID') == 0 then return 0 end
if payload == '' then
  local old = call('XRANGE', stream, entry, entry)[1]
  if not old then
    call('XACK', stream, group, entry)
    return 0
  end
  payload = old[2][2]
end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[8] == '' then
  call('XADD', base .. 'front', '*', id, payload, 'band', band, 'lost', lost)
elseif tonumber(ARGV[8]) <= now then
  if lost == '0' then call('XADD', base .. 'p' .. band, '*', id, payload)
  else call('XADD', base .. 'p' .. band, '*', id, payload, 'lost', lost) end
else
  local due = base .. 'due'
  call('HSET', base .. 'held', id, band .. lost .. ':' .. payload)
  call('ZADD', due, ARGV[8], id)
  local next = call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if next[1] == id then redis.pcall('PUBLISH', ARGV[9], math.max(0, next[2] - now)) end
end
if ARGV[8] == '' or tonumber(ARGV[8]) <= now then signal(base) end
call('XACK', stream, group, entry)
call('XDEL', stream, entry)
return 1
`;

/** Parks a delivery among the dead letters. */
export const streamPark = `--[[
  KEYS[1] stream of the delivery  KEYS[2] stream of dead letters
  ARGV[1] group  ARGV[2] consumer  ARGV[3] entry id  ARGV[4] most letters kept  ARGV[5] id  ARGV[6] time, epoch ms
  ARGV[7] reason's name  ARGV[8] reason's message  ARGV[9] task or ''  ARGV[10] the message as JSON, or '' for bytes that
  are none  ARGV[11] longest body of such bytes
  Returns 1, or 0 when the lease is lost (then nothing is written).
  Effects: XADD one letter. The delivery itself is ended by stream-ack afterwards: a crash between the two
  parks it twice, which loses nothing. Without ARGV[10] the body is the entry's value as it stands there, byte for byte.
  The XCLAIM: as in put-back.
]]
local call = redis.call
if #call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, ARGV[3], 'JUSTID') == 0 then return 0 end
local body = ARGV[10]
if body == '' then
  local entry = call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
  body = entry and string.sub(entry[2][2], 1, tonumber(ARGV[11])) or ''
end
call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'id', ARGV[5], 'at', ARGV[6],
  'reason', ARGV[7], 'message', ARGV[8], 'task', ARGV[9], 'body', body, 'opts', '')
return 1
`;
