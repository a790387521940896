-- ARGV: 1 lane, 2 worker, then its ended tasks
-- Answer: tasks forgotten. A task that no longer belongs to the worker was queued again. Its
-- contents must stay, since a task without contents ends the worker loop that fetches it. Its job
-- has ended, so the next worker forgets it.
local lane, name = ARGV[1], ARGV[2]
local forgotten = 0
for i = 3, #ARGV do
  local task = ARGV[i]
  if redis.call('SREM', held_key(lane, name), task) == 1 then
    delete_task(lane, task)
    forgotten = forgotten + 1
  end
end
return forgotten
