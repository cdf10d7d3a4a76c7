import { promoteJob } from '../bullmq/promote-jobs.lua.ts';
import { unblockEntry } from '../streams/stream-admit.lua.ts';
import { leave, shared } from './semaphore.lua.ts';

const handOver = (promote: string): string => `--[[
  KEYS[1] beginning of all keys of the admission  KEYS[2] what the keys of all queues begin with
  ARGV[1] '1': before all others of its priority and with a grant, or ''  ARGV[2] limit  ARGV[3] group
  ARGV[4] member who leaves, as a holder only
  Returns pairs of group, member who got in and whose message was not found held under its plain name.
  Effects: as admission-leave, and as promote-jobs or stream-admit for those who got in. For one Redis, or one slot.
  A grant is the fence and the group; in a job's hash the number of its activations so far stands before it, since it is
  good for the next one only. INCR the fence for each. The DEL: see despite-full.
  Names that BullMQ cannot have are written with a ~ and encoded; they are left to the caller.
]]
${shared}
${leave}
${promote}
call('DEL', base .. 'none')
if call('HEXISTS', key(ARGV[3], 'holders'), ARGV[4]) == 1 then call('HSET', key(ARGV[3], 'state'), 'limit', ARGV[2]) end
local first, admitted, left = ARGV[1] == '1', leave(false, 3), {}
for i = 1, #admitted, 2 do
  local queue, id = string.match(admitted[i + 1], '^([^:]*):(.*)$')
  local keys = KEYS[2] .. queue .. ':'
  local grant = first and (call('INCR', base .. 'fence') .. ' ' .. admitted[i])
  if string.find(id, '^~') or string.find(queue, '^~') or not promote(keys, id, first, grant) then
    left[#left + 1] = admitted[i]
    left[#left + 1] = admitted[i + 1]
  else
    wake(keys)
  end
end
return left
`;

/** Gives places back, and makes the jobs of those who are in now ready. */
export const handOverJobs: string = handOver(promoteJob);

/** Gives places back, and makes the messages of those who are in now ready. */
export const handOverEntries: string = handOver(`${unblockEntry}local function wake() end`);
