-- ARGV: 1 lane, 2 name. Puts a worker's tasks back at the head of the queue. Tasks that cannot be
-- read go to the dead letters, since each would end every worker loop that fetches it (apalis:
-- "Invalid job data format").
-- Answer: tasks put back
local lane, name = ARGV[1], ARGV[2]
local TASK_ID = '^[0-7][0-9A-HJKMNP-TV-Z]+$'
local function counts(text) return text and #text < 10 and string.find(text, '^%d+$') end
local inflight = held_key(lane, name)
local back = 0
for _, task in ipairs(redis.call('SMEMBERS', inflight)) do
  local meta = get_fields(task_key(lane, task), 'attempts', 'max_attempts', 'status') or {}
  if redis.call('HEXISTS', contents_key(lane), task) == 1 and #task == 26 and string.find(task, TASK_ID)
    and counts(meta[1]) and counts(meta[2]) and TASK_STATUSES[meta[3]] then
    redis.call('LPUSH', active_key(lane), task)
    back = back + 1
  else
    delete_task(lane, task)
    letter('The queue named a task whose contents are missing or incomplete.', task)
  end
end
redis.call('DEL', inflight, worker_key(lane, name))
redis.call('ZREM', workers_key(lane), name)
redis.call('ZREM', P .. ':alive', ARGV[1] .. ' ' .. name)
if back > 0 then redis.call('PUBLISH', P .. ':control', 'wake ' .. ARGV[1]) end
return back
