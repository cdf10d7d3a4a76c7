import { finalRecordPrefix } from '@lovage/core/driver';
import { longestInRing } from './store-record.lua.ts';

/** Bytes of rings in one PUBLISH: more are split, so that one message never holds up a subscriber. */
const longestPublish = 262_144;

/** Ends deliveries of one stream: stores outcomes, rings, acknowledges. */
export const streamAck: string = `--[[
  KEYS[1] stream  KEYS[2] ids that the queue knows
  ARGV[1] group  ARGV[2] consumer  ARGV[3] beginning of the result keys  ARGV[4] number of deliveries  ARGV[5] number of
  profiles  ARGV[6] the profile that all have, or ''; then the profiles, pairs of ttl in ms, channel or ''; then all entry
  ids; then all task ids; then all record texts; then, without ARGV[6], the profile of each ('0' for no outcome)
  Returns {stale, failed, error}: the places (from 0) of deliveries whose lease is lost, of those whose outcome could not
  be stored, and why.
  Effects: XACK; SET each result unless a final one stands there; PUBLISH what is then stored, many records in one message,
  one a line; XDEL; SREM. Stale ones change nothing.
  The XACK is the guard: an entry is delivered once (orphans and releases come back as new entries), so what is still
  pending is ours. Its count is that of the batch nearly always, at 0.3 µs a delivery. It comes first
  because the script is atomic and a full Redis refuses a SET only as the first write. A result that cannot be written
  (a rule of the ACL, say) makes its entry pending again: the worker tries again, then the lease runs out.
]]
local call, pcall = redis.call, redis.pcall
local stream, group, consumer, prefix = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local count = tonumber(ARGV[4])
local entries = 6 + 2 * tonumber(ARGV[5])
local ids, records, each = entries + count, entries + 2 * count, entries + 3 * count
local common = tonumber(ARGV[6])
local exact = call('XACK', stream, group, unpack(ARGV, entries + 1, ids)) == count
local stale, failed, problem = {}, {}, ''
local rings, sizes = {}, {}

local function ring(channel, record, id)
  if #record > ${longestInRing} then record = '{"ring":' .. cjson.encode(id) .. '}' end
  local lines = rings[channel]
  if not lines then
    lines = {}
    rings[channel], sizes[channel] = lines, 0
  end
  lines[#lines + 1] = record
  sizes[channel] = sizes[channel] + #record
  if sizes[channel] > ${longestPublish} then
    call('PUBLISH', channel, table.concat(lines, '\\n'))
    rings[channel] = nil
  end
end

local function store(id, profile, record)
  local key, ttl, channel = prefix .. id, ARGV[5 + 2 * profile], ARGV[6 + 2 * profile]
  local set = pcall('SET', key, record, 'PX', ttl, 'NX')
  if not set then
    if pcall('GETRANGE', key, 0, ${finalRecordPrefix.length - 1}) == '${finalRecordPrefix}' then
      record = call('GET', key)
    else
      set = pcall('SET', key, record, 'PX', ttl)
    end
  end
  if set and set.err then
    problem = set.err
    return false
  end
  if channel ~= '' then ring(channel, record, id) end
  return true
end

local function settle(n)
  if not exact and #call('XRANGE', stream, ARGV[entries + n], ARGV[entries + n]) == 0 then
    stale[#stale + 1] = n - 1
    return false
  end
  local profile = common or tonumber(ARGV[each + n])
  if profile > 0 and not store(ARGV[ids + n], profile, ARGV[records + n]) then
    call('XCLAIM', stream, group, consumer, 0, ARGV[entries + n], 'FORCE', 'JUSTID')
    failed[#failed + 1] = n - 1
    return false
  end
  return true
end

local done, gone = {}, {}
for n = 1, count do
  if settle(n) and not exact then
    done[#done + 1] = ARGV[entries + n]
    gone[#gone + 1] = ARGV[ids + n]
  end
end
for channel, lines in pairs(rings) do call('PUBLISH', channel, table.concat(lines, '\\n')) end
if exact and #failed == 0 then
  call('XDEL', stream, unpack(ARGV, entries + 1, ids))
  call('SREM', KEYS[2], unpack(ARGV, ids + 1, ids + count))
  return {stale, failed, problem}
end
if exact then
  local kept = {}
  for _, n in ipairs(failed) do kept[n + 1] = true end
  for n = 1, count do
    if not kept[n] then
      done[#done + 1] = ARGV[entries + n]
      gone[#gone + 1] = ARGV[ids + n]
    end
  end
end
if #done > 0 then
  call('XDEL', stream, unpack(done))
  call('SREM', KEYS[2], unpack(gone))
end
return {stale, failed, problem}
`;
