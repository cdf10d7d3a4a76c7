import { finalRecordPrefix } from '@lovage/core/driver';
import { maxNotificationLength } from '../shared/store-record.lua.ts';
import { readLines } from './lines.lua.ts';

/** Bytes of rings in one PUBLISH: more are split, so that one message never holds up a subscriber. */
const longestPublish = 262_144;

const doc = `
  KEYS[1] stream  KEYS[2] ids that the queue knows
  ARGV[1] group  ARGV[2] consumer  ARGV[3] beginning of the result keys  ARGV[4] number of deliveries
  ARGV[5] entry ids, each a line  ARGV[6] task ids  ARGV[7] what separates them  ARGV[8] record texts, each a line
  ARGV[9] the profile that all have, or a line for each ('0' for no outcome); then the profiles: pairs of ttl in ms, channel or ''
  Returns {stale, failed, error}: the places (from 0) of deliveries whose lease is lost, of those whose outcome could not
  be stored, and why.
  Effects: XACK; SET each result unless a final one stands there; PUBLISH what is then stored, many records in one message,
  one a line; XTRIM or XDEL; SREM. Stale ones change nothing.
  The XACK is the guard: an entry is delivered once (orphans and releases come back as new entries), so what is still
  pending is ours. Its count is that of the batch nearly always, at 0.3 µs a delivery. It comes first
  because the script is atomic and a full Redis refuses a SET only as the first write. A result that cannot be written
  (a rule of the ACL, say) makes its entry pending again: the worker tries again, then the lease runs out.`;

interface Joining {
  readonly begin: string;
  /** Done for each delivery. */
  readonly one: string;
  /** Done before it rings. */
  readonly all: string;
}

/** Lua: what the two below use. */
const joinBegin = `
local groups = (#KEYS - 2) / 3
local groupsAt = #ARGV - 2 * groups
local joins = lines(ARGV[groupsAt], count, '\\n')
local last = {} -- of each group its last delivery here
-- it stays pending, and the caller says how it is settled
local function hold(n, ended, failures, state)
  makePending(n)
  held[n] = true
  for _, value in ipairs({n - 1, ended, failures, state}) do open[#open + 1] = value end
end`;

/** Lua: records the member of the n-th delivery, whose outcome is stored. */
const joinOne = `
  if not kept[n] then
    if refused[n] then
      hold(n, 0, 0, -1)
    else
      local g, index = string.match(joins[n], '^(%d+) (%d+)$')
      g = tonumber(g)
      local set = pcall('SETBIT', KEYS[3 * g], index, 1)
      if type(set) == 'table' then
        problem = set.err
        makePending(n)
        failed[#failed + 1] = n - 1
        kept[n] = true
      else
        last[g] = n
      end
    end
  end`;

/** Lua: what the groups have come to. Counted once for all members of a group: the bits of 100,000 take 1 µs. */
const joinAll = `
for g, n in pairs(last) do
  local ended, failures, sizeKey = KEYS[3 * g], KEYS[3 * g + 1], KEYS[3 * g + 2]
  local ttl, size = tonumber(ARGV[groupsAt + 2 * g - 1]), ARGV[groupsAt + 2 * g]
  if size == '' then size = pcall('GET', sizeKey) end
  local count, bad = pcall('BITCOUNT', ended), pcall('BITCOUNT', failures)
  if type(size) == 'table' or type(count) == 'table' or type(bad) == 'table' then
    hold(n, 0, 0, -1) -- the caller goes the long way
  else
    if size and count >= tonumber(size) then
      hold(n, count, bad, 1)
      ttl = math.min(ttl, 3600000)
    end
    for _, key in ipairs({ended, failures, sizeKey}) do pcall('PEXPIRE', key, ttl) end
  end
end`;

/** Lua of both scripts, with what one of them does beside. */
const body = ({ begin, one, all }: Joining): string => `
${readLines}
local call, pcall = redis.call, redis.pcall
local stream, group, prefix, count = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[4])
local entries, ids, records = lines(ARGV[5], count, '\\n'), lines(ARGV[6], count, ARGV[7]), lines(ARGV[8], count, '\\n')
local common = tonumber(ARGV[9])
local each = not common and lines(ARGV[9], count, '\\n')
local exact = call('XACK', stream, group, unpack(entries)) == count
local stale, failed, problem, open = {}, {}, '', {}
local refused, held = {}, {} -- by place (from 1): another record stands; stored, and not to be acknowledged
-- whether ARGV[8] is, as it stands, what the waiters hear
local whole = exact and common and common > 0 and #ARGV[8] <= ${longestPublish}

local function store(n, ttl)
  local key = prefix .. ids[n]
  local set = pcall('SET', key, records[n], 'PX', ttl, 'NX')
  if not set then
    whole = false
    if pcall('GETRANGE', key, 0, ${finalRecordPrefix.length - 1}) == '${finalRecordPrefix}' then
      records[n] = call('GET', key)
      refused[n] = true
    else
      set = pcall('SET', key, records[n], 'PX', ttl)
    end
  end
  if set and set.err then
    problem = set.err
    return false
  end
  if #records[n] > ${maxNotificationLength} then whole = false end
  return true
end

-- what the group has not delivered will come by itself, and is not to be made pending before
local function makePending(n)
  local function order(id)
    local ms, seq = string.match(id, '^(%d+)-(%d+)$')
    return string.rep('0', 20 - #ms) .. ms .. string.rep('0', 20 - #seq) .. seq
  end
  for _, info in ipairs(call('XINFO', 'GROUPS', stream)) do
    local field = {}
    for i = 1, #info, 2 do field[info[i]] = info[i + 1] end
    if field.name == group and order(entries[n]) <= order(field['last-delivered-id']) then
      call('XCLAIM', stream, group, ARGV[2], 0, entries[n], 'FORCE', 'JUSTID')
    end
  end
end

local kept = {}
${begin}
for n = 1, count do
  local profile = common or tonumber(each[n])
  if not exact and #call('XRANGE', stream, entries[n], entries[n]) == 0 then
    stale[#stale + 1] = n - 1
    kept[n] = true
  elseif profile > 0 and not store(n, ARGV[8 + 2 * profile]) then
    makePending(n)
    failed[#failed + 1] = n - 1
    kept[n] = true
  end
  ${one}
end
${all}

local function ring()
  local rings, sizes = {}, {}
  for n = 1, count do
    local profile = common or tonumber(each[n])
    local channel = profile > 0 and not kept[n] and ARGV[9 + 2 * profile] or ''
    if channel ~= '' then
      local record = records[n]
      if #record > ${maxNotificationLength} then record = '{"ring":' .. cjson.encode(ids[n]) .. '}' end
      local said = rings[channel] or {}
      said[#said + 1] = record
      sizes[channel] = (sizes[channel] or 0) + #record
      rings[channel] = said
      if sizes[channel] > ${longestPublish} then
        pcall('PUBLISH', channel, table.concat(said, '\\n'))
        rings[channel], sizes[channel] = nil, nil
      end
    end
  end
  for channel, said in pairs(rings) do pcall('PUBLISH', channel, table.concat(said, '\\n')) end
end

if not (whole and #failed == 0) then ring()
elseif ARGV[9 + 2 * common] ~= '' then pcall('PUBLISH', ARGV[9 + 2 * common], ARGV[8]) end

-- Everything below the first pending entry is over. Trimmed together it costs 0.05 µs an entry, deleted one by one 0.9.
local function delete()
  local first = call('XPENDING', stream, group)[2]
  if not first then
    local ms, seq = string.match(entries[count], '^(%d+)-(%d+)$')
    first = ms .. '-' .. string.format('%.0f', seq + 1)
  end
  if call('XTRIM', stream, 'MINID', first) ~= count then call('XDEL', stream, unpack(entries)) end
end

if exact and #failed == 0 and #open == 0 then
  delete()
  call('SREM', KEYS[2], unpack(ids))
  return {stale, failed, problem, open}
end
local done, gone = {}, {}
for n = 1, count do
  if not kept[n] and not held[n] then
    done[#done + 1] = entries[n]
    gone[#gone + 1] = ids[n]
  end
end
if #done > 0 then
  call('XDEL', stream, unpack(done))
  call('SREM', KEYS[2], unpack(gone))
end
return {stale, failed, problem, open}
`;

/** Ends deliveries of one stream: stores outcomes, rings, acknowledges. */
export const streamAck: string = `--[[${doc}]]
${body({ begin: '', one: '', all: '' })}`;

/** As {@link streamAck}, for members of groups that ended SUCCESS: records them too. */
export const streamAckMembers: string = `--[[${doc}
  Further KEYS[3…]: three of each group, as join-member. Further ARGV, after all others: 'group index', each a line;
  then of each group the ttl of its join in ms, and how many members there are, or ''.
  Further returns {… open}: four of each delivery that is stored and not acknowledged: place, ended, failed, and 1 where its
  group is complete, -1 where another final record stands and the member was not recorded.
  Further effects: SETBIT, PEXPIRE. A group that is complete keeps the last of its deliveries here pending: what follows is
  done before that is acknowledged. Repeating a member changes nothing.
]]
${body({ begin: joinBegin, one: joinOne, all: joinAll })}`;
