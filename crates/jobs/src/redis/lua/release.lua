-- ARGV: 1 lane, 2 name. Puts a worker's tasks back at the head of the queue. Tasks that cannot be
-- read go to the dead letters, since each would end every worker loop that fetches it (apalis:
-- "Invalid job data format").
-- Answer: tasks put back
local q, name = queue(ARGV[1]), ARGV[2]
local TASK_ID = '^[0-7][0-9A-HJKMNP-TV-Z]+$'
local STATUSES = { Pending = true, Queued = true, Running = true, Done = true, Failed = true, Killed = true }
local function counts(text) return text and #text < 10 and string.find(text, '^%d+$') end
local inflight = q .. ':inflight:' .. name
local back = 0
for _, task in ipairs(redis.call('SMEMBERS', inflight)) do
  local meta = get_fields(q .. ':meta:' .. task, 'attempts', 'max_attempts', 'status') or {}
  if redis.call('HEXISTS', q .. ':data', task) == 1 and #task == 26 and string.find(task, TASK_ID)
    and counts(meta[1]) and counts(meta[2]) and STATUSES[meta[3]] then
    redis.call('LPUSH', q .. ':active', task)
    back = back + 1
  else
    redis.call('HDEL', q .. ':data', task)
    redis.call('DEL', q .. ':meta:' .. task)
    letter('The queue named a task whose contents are missing or incomplete.', task)
  end
end
redis.call('DEL', inflight, q .. ':workers:metadata:' .. name)
redis.call('ZREM', q .. ':workers', name)
redis.call('ZREM', P .. ':alive', ARGV[1] .. ' ' .. name)
if back > 0 then redis.call('PUBLISH', P .. ':control', 'wake ' .. ARGV[1]) end
return back
