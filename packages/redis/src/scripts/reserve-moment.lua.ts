/** Takes the next free moment of a rate limit. */
export const reserveMoment = `--[[
  KEYS[1] the last moment that was taken, in microseconds
  ARGV[1] interval in microseconds
  Returns how many microseconds away the moment is, by this Redis's clock.
  Effects: SET with an expiry: a moment that is an interval old says nothing any more.
  The DEL: see despite-full.
]]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local moment = math.max(now, (tonumber(redis.call('GET', KEYS[1])) or 0) + interval)
local away = moment - now
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], string.format('%.0f', moment), 'PX', math.ceil((away + interval) / 1000) + 1)
return string.format('%.0f', away)
`;
