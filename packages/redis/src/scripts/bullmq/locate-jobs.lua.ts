/** Finds out where jobs of one queue stand. */
export const locateJobs = `--[[
  KEYS[1] delayed  KEYS[2] prioritized  KEYS[3] active  KEYS[4] failed  KEYS[5] completed
  ARGV[1] beginning of the queue's job keys  ARGV[2...] job ids
  Returns one letter per id: d(elayed), w(aiting), r(unning), - (not there, or over).
  No effects. The keys of the jobs are made from ARGV[1], so they share the queue's slot in a cluster.
]]
local places = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local place = '-'
  if redis.call('EXISTS', ARGV[1] .. id) == 1 then
    if redis.call('ZSCORE', KEYS[1], id) then place = 'd'
    elseif redis.call('ZSCORE', KEYS[2], id) then place = 'w'
    elseif redis.call('ZSCORE', KEYS[4], id) or redis.call('ZSCORE', KEYS[5], id) then place = '-'
    elseif redis.call('LPOS', KEYS[3], id) then place = 'r'
    else place = 'w' end
  end
  places[i - 1] = place
end
return table.concat(places)
`;
