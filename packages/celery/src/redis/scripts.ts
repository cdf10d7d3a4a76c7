import type { RedisClient } from './connection.ts';

/** Takes messages off lists into kombu's bookkeeping of unacknowledged ones, in one step: a crash between the two loses nothing. */
const fetch = `--[[
  KEYS[1] unacked hash  KEYS[2] unacked index  KEYS[3..] lists, the most urgent first
  ARGV[1] now in seconds  ARGV[2] how many  ARGV[3] tag for entries that have none  ARGV[4..] the queue of each list
  Returns tag, text, queue, and so on.
  Effects: RPOP from the lists; HSET and ZADD as kombu's QoS does.
]]
local out = {}
local left = tonumber(ARGV[2])
for k = 3, #KEYS do
  while left > 0 do
    local text = redis.call('RPOP', KEYS[k])
    if not text then break end
    local tag
    for found in string.gmatch(text, '"delivery_tag": ?"([^"\\\\]+)"') do tag = found end
    if not tag or redis.call('HEXISTS', KEYS[1], tag) == 1 then tag = ARGV[3] .. ':' .. left .. ':' .. k end
    local queue = ARGV[k + 1]
    redis.call('HSET', KEYS[1], tag, '[' .. text .. ', "", ' .. cjson.encode(queue) .. ']')
    redis.call('ZADD', KEYS[2], ARGV[1], tag)
    out[#out + 1] = tag
    out[#out + 1] = text
    out[#out + 1] = queue
    left = left - 1
  end
end
return out
`;

/** Settles deliveries and does what goes with them, many in one step. */
const settle = `--[[
  KEYS[1] unacked hash  KEYS[2] unacked index
  ARGV: for each job
    tag ('' for none: nothing is held)  ack (1: let it go when all was done)
    count of deletes, then key each: when the first is not there, somebody else has done the rest of the job
    count of records, then key, seconds, and text each: a final one that stands is left; where that is the first, the rest is not done.
      As in Celery a FAILURE gives way to what the holder of a message says: a failed task may be sent again under its id
    count of sets, then key, seconds and text each
    count of pushes, then list, end (L or R) and text each
    count of parts, then the chord's key, member, index and seconds each
  Returns for each job: 1, or 0 where its tag is not held any more (a worker restored it), or where the rest was not done; then 1 or
  0 for each record; and count, size and added for each part.
]]
local out = {}
local at = 1
local function take() at = at + 1 return ARGV[at - 1] end
local final = { SUCCESS = true, FAILURE = true, REVOKED = true }
local function statusOf(text)
  local status = string.match(text, '^{"status": ?"([^"]*)"')
  if status then return status end
  local ok, meta = pcall(cjson.decode, text)
  return ok and type(meta) == 'table' and meta.status or ''
end
while at <= #ARGV do
  local tag, ack = take(), take()
  local go = tag == '' or redis.call('HEXISTS', KEYS[1], tag) == 1
  for i = 1, tonumber(take()) do
    local deleted = redis.call('DEL', take())
    if i == 1 and deleted == 0 then go = false end
  end
  local place = #out + 1
  out[place] = 0
  for i = 1, tonumber(take()) do
    local key, ttl, text = take(), take(), take()
    local known = redis.call('GET', key)
    local stands = known and known ~= text and statusOf(known)
    if stands and final[stands] and not (stands == 'FAILURE' and i == 1 and tag ~= '' and go) then
      out[#out + 1] = 0
      if i == 1 and tag ~= '' then go = false end
    else
      redis.call('SETEX', key, ttl, text)
      redis.call('PUBLISH', key, text)
      out[#out + 1] = 1
    end
  end
  for _ = 1, tonumber(take()) do
    local key, ttl, text = take(), take(), take()
    if go then redis.call('SETEX', key, ttl, text) end
  end
  for _ = 1, tonumber(take()) do
    local list, side, text = take(), take(), take()
    if go then redis.call(side .. 'PUSH', list, text) end
  end
  out[place] = go and 1 or 0
  for _ = 1, tonumber(take()) do
    local base, member, index, ttl = take(), take(), take(), take()
    local count, size, added = 0, '', ''
    if go then
      redis.call('ZADD', base .. '.j', index, member)
      count = redis.call('ZCOUNT', base .. '.j', '-inf', '+inf')
      size = redis.call('GET', base .. '.s') or ''
      added = redis.call('GET', base .. '.t') or ''
      for _, kind in ipairs({ '.j', '.s', '.t' }) do redis.call('EXPIRE', base .. kind, ttl) end
    end
    out[#out + 1] = count out[#out + 1] = size out[#out + 1] = added
  end
  if ack == '1' and go and tag ~= '' then
    redis.call('ZREM', KEYS[2], tag)
    redis.call('HDEL', KEYS[1], tag)
  end
end
return out
`;

/** Says that deliveries are still being worked on, so that no worker restores them. */
const renew = `--[[
  KEYS[1] unacked hash  KEYS[2] unacked index  ARGV[1] now in seconds  ARGV[2..] tags
  Returns the tags that are not held any more.
  Effects: ZADD XX.
]]
local lost = {}
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 then lost[#lost + 1] = ARGV[i]
  else redis.call('ZADD', KEYS[2], ARGV[1], ARGV[i]) end
end
return lost
`;

/** Puts an orphan back to the front of its queue, unless somebody has just shown that it lives. */
const restore = `--[[
  KEYS[1] unacked hash  KEYS[2] unacked index  KEYS[3..] lists
  ARGV[1] tag  ARGV[2] oldest score that lives  ARGV[3] the text that was found  ARGV[4] the text to put back
  Returns 1 when it was put back.
  Effects: RPUSH, HDEL, ZREM.
]]
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score or tonumber(score) > tonumber(ARGV[2]) then return 0 end
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[3] then return 0 end
for k = 3, #KEYS do redis.call('RPUSH', KEYS[k], ARGV[4]) end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`;

const lease = `--[[
  KEYS[1] owner  KEYS[2] fencing counter  ARGV[1] what  ARGV[2] owner  ARGV[3] ttl in ms
  acquire: the fencing token, 0 while another holds it. renew, release: 1, or 0 when it is not this owner's.
]]
local owner = redis.call('GET', KEYS[1])
if ARGV[1] == 'acquire' then
  if owner and owner ~= ARGV[2] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  if owner then return tonumber(redis.call('GET', KEYS[2])) end
  return redis.call('INCR', KEYS[2])
end
if owner ~= ARGV[2] then return 0 end
if ARGV[1] == 'release' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1
`;

const markFired = `--[[
  KEYS[1] definitions  KEYS[2] slots  ARGV[1] name  ARGV[2] slot  ARGV[3] definition to save, '' to mark the slot
  Returns 1, or 0 where the slot was fired before.
]]
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  if ARGV[2] ~= '' then redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2]) end
  return 1
end
local last = redis.call('HGET', KEYS[2], ARGV[1])
if last and tonumber(last) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
`;

const reserve = `--[[
  KEYS[1] the last moment given out, in microseconds  ARGV[1] interval in microseconds
  Returns how many microseconds away the next one is.
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
local at = math.max(now, last + interval)
redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', math.ceil((at - now + interval) / 1000) + 1000)
return string.format('%.0f', at - now)
`;

type ScriptName = 'fetch' | 'settle' | 'renew' | 'restore' | 'lease' | 'markFired' | 'reserve';

const sources: Readonly<Record<ScriptName, string>> = { fetch, settle, renew, restore, lease, markFired, reserve };

type Arg = string | number;

/** The scripts on one client; each sends EVALSHA, and its text where Redis does not know it. */
export type Scripts = Readonly<Record<ScriptName, (keys: readonly string[], args: readonly Arg[]) => Promise<unknown>>>;

const known = new WeakMap<RedisClient, Scripts>();

export function scriptsOf(client: RedisClient): Scripts {
  const made = known.get(client);
  if (made) return made;
  const entries = Object.entries(sources).map(([name, lua]) => {
    const command = `lovage_celery_${name}`;
    client.defineCommand(command, { lua });
    const call = (keys: readonly string[], args: readonly Arg[]): Promise<unknown> =>
      (client as unknown as Record<string, (...all: readonly Arg[]) => Promise<unknown>>)[command]?.(
        keys.length,
        ...keys,
        ...args,
      ) as Promise<unknown>;
    return [name, call];
  });
  const scripts = Object.fromEntries(entries) as Scripts;
  known.set(client, scripts);
  return scripts;
}
