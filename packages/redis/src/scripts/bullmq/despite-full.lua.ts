/**
 * Stands before a script that has to run although Redis is full. Redis refuses (`OOM command not allowed`) what could
 * take memory only as a script's *first* write; a DEL of nothing before it makes the script a writer. What BullMQ's
 * worker does needs this, or a full Redis could not be drained: an idle worker could not take a job, the locks of running
 * ones could not be renewed (they would be run again), orphans would stay. (Its settlements begin with a DEL of their own.)
 */
export const despiteFull = `--[[
  Effects: none but that.
]]
redis.call('DEL', KEYS[1] .. ':none')
`;
