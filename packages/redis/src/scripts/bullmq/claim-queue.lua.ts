/** The field of a BullMQ queue's metadata that says whose queue it is. */
export const ownerField = 'lovage';
/** Entries BullMQ keeps of a queue's event stream; its default of 10,000 costs up to 1 MB a queue for nobody here. */
const maxEvents = 1_000;

/** Marks a queue as Lovage's, unless another program was there first. */
export const claimQueue: string = `--[[
  KEYS[1] metadata of the queue  KEYS[2] counter of its jobs  KEYS[3] list of waiting jobs
  ARGV[1] '1' to mark it whoever was there first
  Returns 1 when it is Lovage's, 0 when it has no mark and another program may have created it (then nothing is written).
  Effects: HSET the mark, and the bound of the queue's event stream. BullMQ's Queue leaves "version" in the metadata when it is
  made, and any job that was ever added, the counter.
]]
local call = redis.call
if call('HEXISTS', KEYS[1], '${ownerField}') == 1 then return 1 end
if ARGV[1] ~= '1' and (call('HEXISTS', KEYS[1], 'version') == 1 or call('EXISTS', KEYS[2], KEYS[3]) > 0) then return 0 end
call('HSET', KEYS[1], '${ownerField}', '1', 'opts.maxLenEvents', ${maxEvents})
return 1
`;
