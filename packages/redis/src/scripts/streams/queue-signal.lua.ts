/**
 * Lua: `signal(queue)`: tells workers of many queues that this one has messages again. They have left a mark when they found it empty,
 * which names the stream they all read. A busy queue has no mark, so a publish costs one GET more.
 */
export const queueSignal = `
local function signal(queue)
  local to = redis.call('GET', queue .. 'armed')
  if not to then return end
  redis.call('DEL', queue .. 'armed')
  redis.call('XADD', to, 'MAXLEN', '~', 10000, '*', 'queue', queue)
end
`;

/** Finds out which of many keys are there. */
export const streamBusy = `--[[
  KEYS the keys, all of one Redis or of one slot
  Returns the places (from 1) of those that are there.
  No effects. By halves: one command when none is there, whatever their number.
]]
local found = {}
local function look(first, last)
  if redis.call('EXISTS', unpack(KEYS, first, last)) == 0 then return end
  if first == last then
    found[#found + 1] = first
    return
  end
  local middle = math.floor((first + last) / 2)
  look(first, middle)
  look(middle + 1, last)
end
look(1, #KEYS)
return found
`;
