-- ARGV: 1 lane, 2 worker, then its ended tasks
-- Answer: tasks forgotten. A task that no longer belongs to the worker was queued again. Its
-- contents must stay, since a task without contents ends the worker loop that fetches it. Its job
-- has ended, so the next worker forgets it.
local q, name = queue(ARGV[1]), ARGV[2]
local forgotten = 0
for i = 3, #ARGV do
  local task = ARGV[i]
  if redis.call('SREM', q .. ':inflight:' .. name, task) == 1 then
    redis.call('HDEL', q .. ':data', task)
    redis.call('DEL', q .. ':meta:' .. task)
    forgotten = forgotten + 1
  end
end
return forgotten
