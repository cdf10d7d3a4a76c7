/** Writes down that a repeated delivery has begun. */
export const recordStart = `--[[
  KEYS[1] the deliveries of the task that have begun
  ARGV[1] number of this delivery  ARGV[2] how long that is remembered, in ms
  Returns how many have begun, this one included.
  Effects: SADD, PEXPIRE. The DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. ':none')
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('SCARD', KEYS[1])
`;
