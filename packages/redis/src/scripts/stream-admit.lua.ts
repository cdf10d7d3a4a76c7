import { heldUntil } from '@lovage/core/driver';

/** Makes held messages of one queue ready. */
export const streamAdmit: string = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV pairs of task id, '1' for before all others or ''
  Returns one letter per id: y(es), - (not there, or not held).
  Effects: ZREM and HDEL, XADD to the message's band or to the front.
]]
local base, call, admitted = KEYS[1], redis.call, {}
local due, held = base .. 'due', base .. 'held'
for i = 1, #ARGV, 2 do
  local id = ARGV[i]
  local place = #admitted + 1
  admitted[place] = '-'
  local at = call('ZSCORE', due, id)
  local body = at and tonumber(at) >= ${heldUntil} and call('HGET', held, id)
  if body then
    call('ZREM', due, id)
    call('HDEL', held, id)
    local colon = string.find(body, ':', 2, true)
    local band, lost, payload = string.sub(body, 1, 1), string.sub(body, 2, colon - 1), string.sub(body, colon + 1)
    if lost == '' then lost = '0' end
    if ARGV[i + 1] == '1' then call('XADD', base .. 'front', '*', id, payload, 'band', band, 'lost', lost)
    elseif lost == '0' then call('XADD', base .. 'p' .. band, '*', id, payload)
    else call('XADD', base .. 'p' .. band, '*', id, payload, 'lost', lost) end
    admitted[place] = 'y'
  end
end
return table.concat(admitted)
`;
