/** Writes an entry of a book. */
export const putEntry = `--[[
  KEYS[1] hash of the book
  ARGV[1] name  ARGV[2] value as JSON  ARGV[3] ttl in ms, or ''
  Returns 1.
  Effects: HSET "<until, epoch ms by this clock, or nothing> <JSON>". The DEL: see despite-full; a worker that could not
  say that it is there would be taken for gone.
]]
redis.call('DEL', KEYS[1] .. ':none')
local till = ''
if ARGV[3] ~= '' then
  local time = redis.call('TIME')
  till = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3])
end
redis.call('HSET', KEYS[1], ARGV[1], till .. ' ' .. ARGV[2])
return 1
`;
