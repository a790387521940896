-- apalis-redis' keys, and its tasks.
local function queue(lane) return P .. ':lane:' .. lane end
local function contents_key(lane) return queue(lane) .. ':data' end
local function task_key(lane, task) return queue(lane) .. ':meta:' .. task end
local function active_key(lane) return queue(lane) .. ':active' end
local function held_key(lane, worker) return queue(lane) .. ':inflight:' .. worker end
local function workers_key(lane) return queue(lane) .. ':workers' end
local function worker_key(lane, worker) return queue(lane) .. ':workers:metadata:' .. worker end
local TASK_STATUSES = { Pending = true, Queued = true, Running = true, Done = true, Failed = true, Killed = true }

-- Writes a task the way apalis-redis 1.0.0 does, straight into the active list: its own push goes
-- through the scheduled set, which fails permanently above 7,999 due tasks. Answer: the list's length
local function write_task(lane, task, id)
  redis.call('HSET', contents_key(lane), task, '{"job":"' .. id .. '"}')
  redis.call('HSET', task_key(lane, task), 'attempts', 0, 'max_attempts', 25, 'status', 'Pending', 'idempotency_key', '')
  return redis.call('RPUSH', active_key(lane), task)
end

local function delete_task(lane, task)
  redis.call('HDEL', contents_key(lane), task)
  redis.call('DEL', task_key(lane, task))
end
