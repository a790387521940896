-- ARGV: 1 lane, 2 worker, then tasks that it has seen through to their end
-- Answer: tasks forgotten. One that is not the worker's any more was put back into the line: its contents must stay,
-- since a task without contents would kill whoever fetches it. Its job has ended, so that the next worker forgets it.
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
