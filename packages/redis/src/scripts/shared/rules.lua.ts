/** Reads the rules of revocation, and lets those go that are over. */
export const readRules = `--[[
  KEYS[1] hash of rules, with their version
  Returns a flat list of fields and values, as HGETALL.
  Effects: HDEL what has expired by this Redis's clock, or is no rule; DEL the hash with its last one. In one step with the reading, so
  that a rule which is laid down anew at that moment stays. A user who may only read leaves that to others.
]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields, kept = redis.call('HGETALL', KEYS[1]), {}
local version
for at = 1, #fields, 2 do
  local name, text = fields[at], fields[at + 1]
  if name == 'version' then version = text
  else
    local read, rule = pcall(cjson.decode, text)
    local expiresAt = read and type(rule) == 'table' and tonumber(rule.expiresAt)
    if expiresAt and expiresAt > now then
      kept[#kept + 1] = name
      kept[#kept + 1] = text
    else redis.pcall('HDEL', KEYS[1], name) end
  end
end
if #kept == 0 then if #fields > 0 then redis.pcall('DEL', KEYS[1]) end
elseif version then
  kept[#kept + 1] = 'version'
  kept[#kept + 1] = version
end
return kept
`;

/** Lays rules of revocation down. */
export const addRules = `--[[
  KEYS[1] hash of rules, with their version
  ARGV[1] the new version  ARGV[2…] pairs of field, rule as JSON
  Returns how many fields are new.
  Effects: HSET. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
return redis.call('HSET', KEYS[1], 'version', unpack(ARGV))
`;

/** Takes rules of revocation back. */
export const removeRules = `--[[
  KEYS[1] hash of rules, with their version
  ARGV[1] the new version  ARGV[2…] fields
  Returns how many were there.
  Effects: HDEL; HSET the version in the same step, or the workers would keep what is gone. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
local removed = redis.call('HDEL', KEYS[1], unpack(ARGV, 2))
redis.call('HSET', KEYS[1], 'version', ARGV[1])
return removed
`;
