import { blockedUntil } from '@lovage/core/driver';
import { queueSignal } from './queue-signal.lua.ts';

/** `promote(queue, id, first, grant, timed)`: makes a held message ready, or any delayed one when `timed`. `queue` is what its keys begin with. */
export const unblockEntry: string = `${queueSignal}local function promote(queue, id, first, grant, timed)
  local call = redis.call
  local at = call('ZSCORE', queue .. 'due', id)
  local body = at and (timed or tonumber(at) >= ${blockedUntil}) and call('HGET', queue .. 'held', id)
  if not body then return false end
  call('ZREM', queue .. 'due', id)
  call('HDEL', queue .. 'held', id)
  local colon = string.find(body, ':', 2, true)
  local band, lost, payload = string.sub(body, 1, 1), string.sub(body, 2, colon - 1), string.sub(body, colon + 1)
  if lost == '' then lost = '0' end
  if grant then call('XADD', queue .. 'front', '*', id, payload, 'band', band, 'lost', lost, 'grant', grant)
  elseif first then call('XADD', queue .. 'front', '*', id, payload, 'band', band, 'lost', lost)
  elseif lost == '0' then call('XADD', queue .. 'p' .. band, '*', id, payload)
  else call('XADD', queue .. 'p' .. band, '*', id, payload, 'lost', lost) end
  signal(queue)
  return true
end
`;

/** Makes held messages of one queue ready. */
export const streamUnblock: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV pairs of task id, and '1' for before all others, 't' also when it is delayed until a time
  Returns one letter per id: y(es), - (not there, or not held).
  Effects: ZREM and HDEL, XADD to the message's band or to the front.
]]
${unblockEntry}
local admitted = {}
for i = 1, #ARGV, 2 do
  admitted[#admitted + 1] = promote(KEYS[1], ARGV[i], string.find(ARGV[i + 1], '1', 1, true), nil, string.find(ARGV[i + 1], 't', 1, true)) and 'y' or '-'
end
return table.concat(admitted)
`;
