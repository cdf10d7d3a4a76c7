/** Pauses a queue for all workers, or lets it go on. */
export const streamPause = `--[[
  KEYS[1] beginning of the queue's keys
  ARGV[1] '1' to pause, '' to go on  ARGV[2] channel of its workers
  Returns nothing of interest.
  Effects: SET or DEL of the mark that stream-fetch looks at. PUBLISH 'look': those that wait look again.
  The first DEL: see despite-full.
]]
redis.call('DEL', KEYS[1] .. 'paused')
if ARGV[1] == '1' then redis.call('SET', KEYS[1] .. 'paused', '1') end
redis.call('PUBLISH', ARGV[2], 'look')
return 1
`;
