/* Fields of a header, in one letter each: there is a header for each run.
   n name  v version  q queue  c call  t created  f fence  s state  h host  u updated  w wakes  o note  r outcome  l lost deliveries */

/** Takes a workflow run. */
export const workflowTake = `--[[
  KEYS[1] header of the run  KEYS[2] its log  KEYS[3] its inbox
  ARGV[1] name  ARGV[2] version or ''  ARGV[3] queue  ARGV[4] call as JSON  ARGV[5] host  ARGV[6] now, epoch ms
  ARGV[7] '1' after a lost worker or lease, or ''
  Returns the fence, how many deliveries in a row were lost without a write, and header, log and inbox as they are now.
  Effects: HSET the header of a new run; HINCRBY the fence; HSET the state RUNNING unless the run has ended. The DEL: see despite-full.
]]
local call, run = redis.call, KEYS[1]
call('DEL', run .. ':none')
local state = call('HGET', run, 's')
if not state then
  call('HSET', run, 'n', ARGV[1], 'q', ARGV[3], 'c', ARGV[4], 't', ARGV[6])
  if ARGV[2] ~= '' then call('HSET', run, 'v', ARGV[2]) end
end
local fence = call('HINCRBY', run, 'f', 1)
if state ~= 'SUCCESS' and state ~= 'FAILURE' and state ~= 'REVOKED' then
  call('HSET', run, 's', 'RUNNING', 'h', ARGV[5], 'u', ARGV[6])
  if state then call('HDEL', run, 'w', 'o') end
end
local lost = ARGV[7] == '1' and call('HINCRBY', run, 'l', 1) or tonumber(call('HGET', run, 'l') or 0)
if not state then return { fence, lost, call('HGETALL', run), {}, {} } end
return { fence, lost, call('HGETALL', run), call('HGETALL', KEYS[2]), call('XRANGE', KEYS[3], '-', '+') }
`;

/** Writes to workflow runs. */
export const workflowAppend = `--[[
  KEYS triples of a run: header, log, inbox
  ARGV of each run: the fence, and how many of each follow:
    seen (an inbox position, or ''), flags ('c' the log begins anew, 'r' also when the run has ended, 'l' forget the lost deliveries),
    ttl in ms or '', then five lists, each with its length before it:
    new log entries as pairs, log entries to be overwritten as pairs, log keys that go, inbox positions that go,
    header fields as pairs of name, value; a value '' takes the field away.
  Returns one number per run: 1 written, 0 another worker has the run, 2 the inbox holds something newer than seen.
  Effects: HSETNX, HSET, HDEL, XDEL, PEXPIRE of all three or PERSIST. The DEL: see despite-full; what was done must be recorded.
]]
local call, at, replies = redis.call, 1, {}
local function take()
  at = at + 1
  return ARGV[at - 1]
end
local function list()
  local length = tonumber(take())
  local from = at
  at = at + length
  return from, at - 1
end
for k = 1, #KEYS, 3 do
  local run, log, inbox = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  local fence, seen, flags, ttl = take(), take(), take(), take()
  local e1, e2 = list()
  local m1, m2 = list()
  local d1, d2 = list()
  local c1, c2 = list()
  local h1, h2 = list()
  local head = call('HMGET', run, 'f', 's')
  local ended = head[2] == 'SUCCESS' or head[2] == 'FAILURE' or head[2] == 'REVOKED'
  local reply = 1
  if head[1] ~= fence or (ended and not string.find(flags, 'r', 1, true)) then reply = 0
  elseif seen ~= '' and #call('XRANGE', inbox, '(' .. seen, '+', 'COUNT', 1) > 0 then reply = 2
  else
    call('DEL', run .. ':none')
    if string.find(flags, 'c', 1, true) then call('DEL', log) end
    for i = d1, d2 do call('HDEL', log, ARGV[i]) end
    for i = e1, e2, 2 do call('HSETNX', log, ARGV[i], ARGV[i + 1]) end
    for i = m1, m2, 2 do call('HSET', log, ARGV[i], ARGV[i + 1]) end
    for i = c1, c2 do call('XDEL', inbox, ARGV[i]) end
    for i = h1, h2, 2 do
      if ARGV[i + 1] == '' then call('HDEL', run, ARGV[i]) else call('HSET', run, ARGV[i], ARGV[i + 1]) end
    end
    if string.find(flags, 'l', 1, true) then call('HDEL', run, 'l') end
    if ttl ~= '' then for i = k, k + 2 do call('PEXPIRE', KEYS[i], ttl) end
    elseif ended then for i = k, k + 2 do call('PERSIST', KEYS[i]) end end
  end
  replies[#replies + 1] = reply
end
return replies
`;

/** Puts an item into the inbox of a workflow run. */
export const workflowDeliver = `--[[
  KEYS[1] header of the run  KEYS[2] its log  KEYS[3] its inbox
  ARGV[1] kind  ARGV[2] name  ARGV[3] key of the item  ARGV[4] body as JSON  ARGV[5] how many items an inbox holds
  ARGV[6…10] to make a run that is not there: name, version or '', queue, call as JSON, now; absent otherwise
  Returns the status, and the run's state, fence, host and queue.
  Effects: HSET the header of a new run; HSETNX the item's key in the log, which marks it as delivered; XADD.
]]
local call, run = redis.call, KEYS[1]
local head = call('HMGET', run, 's', 'f', 'h', 'q')
if not head[1] then
  if not ARGV[6] then return { 'unknown', '', '', '', '' } end
  call('HSET', run, 'n', ARGV[6], 'q', ARGV[8], 'c', ARGV[9], 't', ARGV[10], 'u', ARGV[10],
    's', 'SENT', 'f', 0)
  if ARGV[7] ~= '' then call('HSET', run, 'v', ARGV[7]) end
  head = { 'SENT', '0', false, ARGV[8] }
end
local status = 'delivered'
if head[1] == 'SUCCESS' or head[1] == 'FAILURE' or head[1] == 'REVOKED' then status = 'ended'
elseif call('HEXISTS', KEYS[2], '!' .. ARGV[3]) == 1 then status = 'duplicate'
elseif call('XLEN', KEYS[3]) >= tonumber(ARGV[5]) then status = 'full'
else
  call('XADD', KEYS[3], '*', 'k', ARGV[1], 'n', ARGV[2], 'b', ARGV[4])
  call('HSET', KEYS[2], '!' .. ARGV[3], '')
end
return { status, head[1], head[2], head[3] or '', head[4] }
`;
