-- Shared by every script. KEYS[1] is the prefix with its version; all keys carry its hash tag.
local P = KEYS[1]
local clock = redis.call('TIME')
local NOW = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function job_key(id) return P .. ':job:' .. id end
local function events_key(id) return P .. ':events:' .. id end
local function previews_key(id) return P .. ':previews:' .. id end
local function children_key(id) return P .. ':children:' .. id end
local function queued_key(lane) return P .. ':queued:' .. lane end
local function running_key(lane) return P .. ':running:' .. lane end
local function delayed_key(lane) return P .. ':delayed:' .. lane end
@APALIS@
local function int(value) return string.format('%d', value) end

-- Values that both stores use; filled in by `scripts.rs`.
local DELIVERY_LIMIT, DAMAGED = [[@DELIVERY_LIMIT@]], [[@DAMAGED@]]
local ENDED_ITS_WORKER, ENDED_ITS_WORKER_GENERATING = [[@ENDED_ITS_WORKER@]], [[@ENDED_ITS_WORKER_GENERATING@]]
local MAX_LOSSES = @MAX_LOSSES@

local LANES = { interactive = true, bulk = true, control = true }
local STATES = { queued = true, running = true, waiting = true, succeeded = true, failed = true, cancelled = true }
local COUNTS = { 'attempt', 'max', 'run', 'version', 'retries', 'losses', 'weight', 'kids', 'kids_succeeded', 'kids_failed',
  'kids_cancelled', 'kids_weight', 'kids_done' }
local JOB_ID = '^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$'

-- Stored data is input. For a key of another type, these return nil and an empty table.
local function get_fields(key, ...)
  local read = redis.pcall('HMGET', key, ...)
  if read.err then return nil end
  return read
end

local function members(key)
  local read = redis.pcall('ZRANGE', key, 0, -1)
  if read.err then return {} end
  return read
end

-- What is wrong with a record, or nil.
local function fault(id, job)
  if job.id ~= id then return 'its field "id" is not its id' end
  if not LANES[job.lane or ''] then return 'its field "lane" names no lane' end
  if not STATES[job.state or ''] then return 'its field "state" names no state' end
  if job.parent and job.parent ~= '' and not string.find(job.parent, JOB_ID) then return 'its field "parent" names no job' end
  for _, name in ipairs(COUNTS) do
    local value = job[name]
    if value and not (#value < 16 and string.find(value, '^%-?%d+$')) then return 'its field "' .. name .. '" is no number' end
  end
end

-- Returns a record's fields by name, the same as a flat list, and what is wrong with it. The tables
-- are empty when the record is missing or cannot be read.
local function load(id)
  local flat = redis.pcall('HGETALL', job_key(id))
  if flat.err then return {}, {}, 'its key holds no hash' end
  if #flat == 0 then return {}, flat end
  local job = {}
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  local wrong = fault(id, job)
  if wrong then return {}, {}, wrong end
  return job, flat
end

-- Adds to a stream. A key of another type, or a stream that accepts no more entries, is replaced:
-- the job continues without its old events.
local function xadd(id, ...)
  local added = redis.pcall('XADD', events_key(id), ...)
  if type(added) ~= 'table' or not added.err then return added end
  if not string.find(added.err, 'WRONGTYPE') and not string.find(added.err, 'exhausted')
    and not string.find(added.err, 'equal or smaller') then error(added.err) end
  redis.call('UNLINK', events_key(id))
  return redis.call('XADD', events_key(id), ...)
end

-- Writes an event of a job's start or end. A job has few of them, so the stream is not trimmed, and
-- the caller sends the notice.
local function note(id, kind, data) xadd(id, '*', 'kind', kind, 'data', data) end

local function tell(id) redis.call('PUBLISH', P .. ':events', id) end

local function event(id, kind, data)
  local event_id = xadd(id, 'MAXLEN', '~', 1000, '*', 'kind', kind, 'data', data)
  tell(id)
  return event_id
end

local function state_data(state, attempt, failure)
  local tail = '}'
  if failure and failure ~= '' then tail = ',"error":' .. failure .. '}' end
  return '{"state":"' .. state .. '","attempt":' .. int(attempt) .. tail
end

local function state_event(id, state, attempt, failure) event(id, 'state', state_data(state, attempt, failure)) end

-- Writes a job's task. Task ids are ULIDs made of the time and a counter. Returns the task's id,
-- which belongs into the job's record.
local function push_task(id, lane)
  local task = string.format('%013d%013d', NOW, redis.call('INCR', P .. ':tasks'))
  local length = write_task(lane, task, id)
  -- With a long queue no notice is needed: its workers are awake.
  if length <= 64 then redis.call('PUBLISH', P .. ':control', 'wake ' .. lane) end
  return task
end

-- Puts a job into its lane, now or after `delay` milliseconds.
local function enqueue(id, lane, delay)
  redis.call('ZADD', queued_key(lane), NOW + delay, id)
  if delay > 0 then
    redis.call('ZADD', delayed_key(lane), NOW + delay, id)
  else
    redis.call('HSET', job_key(id), 'task', push_task(id, lane))
  end
end

local function touch(id) redis.call('HINCRBY', job_key(id), 'version', 1) end

local function unlist(id, lane)
  redis.call('ZREM', queued_key(lane), id)
  redis.call('ZREM', running_key(lane), id)
  redis.call('ZREM', delayed_key(lane), id)
end

local function finished(state) return state == 'succeeded' or state == 'failed' or state == 'cancelled' end

local function number(value) return tonumber(value or '0') or 0 end

local function children_left(parent)
  return number(parent.kids) - number(parent.kids_succeeded) - number(parent.kids_failed) - number(parent.kids_cancelled)
end

-- Queues a parent for its merge when all children have ended, with all its attempts.
local function merge(id, parent)
  redis.call('HSET', job_key(id), 'state', 'queued', 'step', 'merge', 'attempt', 0, 'losses', 0)
  redis.call('HDEL', job_key(id), 'cursor')
  touch(id)
  enqueue(id, parent.lane, 0)
  state_event(id, 'queued', 0)
end

-- Counts an ended child at its parent. A damaged record of the parent does not keep the child from
-- ending.
local function tell_parent(id, weight, state)
  local parent = load(id)
  if not parent.id then return end
  redis.call('HINCRBY', job_key(id), 'kids_' .. state, 1)
  parent['kids_' .. state] = number(parent['kids_' .. state]) + 1
  local done = redis.call('HINCRBY', job_key(id), 'kids_done', weight)
  -- A planner whose parts succeed makes progress, so its losses are forgotten.
  if state == 'succeeded' and (number(parent.attempt) > 1 or number(parent.losses) > 0) and not finished(parent.state) then
    redis.call('HSET', job_key(id), 'attempt', math.min(number(parent.attempt), 1), 'losses', 0)
  end
  if parent.state ~= 'running' and parent.state ~= 'waiting' then return end
  local left = children_left(parent)
  if left == 0 or NOW - number(parent.told) >= 500 then
    local progress = '{"done":' .. int(done) .. ',"total":' .. int(number(parent.kids_weight)) .. ',"unit":'
      .. (parent.kids_unit or '""') .. ',"stage":"parts","message":""}'
    redis.call('HSET', job_key(id), 'progress', progress, 'told', NOW)
    touch(id)
    event(id, 'progress', progress)
  end
  if left == 0 and parent.state == 'waiting' then merge(id, parent) end
end

-- Ends a job, and counts it at its parent. `fields` are further fields of the record.
local function terminal(id, job, state, fields)
  if job.state == 'running' then redis.call('ZREM', running_key(job.lane), id) else unlist(id, job.lane) end
  redis.call('HSET', job_key(id), 'state', state, 'finished', NOW, 'version', number(job.version) + 1, unpack(fields))
  local outlived = 'cancel'
  if state == 'succeeded' then outlived = 'error' end
  redis.call('HDEL', job_key(id), 'worker', 'delivery', 'lease', 'cursor', 'cancel', outlived)
  redis.pcall('HINCRBY', P .. ':totals', job.lane .. ':' .. state, 1)
  local failure = ''
  for i = 1, #fields, 2 do if fields[i] == 'error' then failure = fields[i + 1] end end
  note(id, 'state', state_data(state, number(job.attempt), failure))
  note(id, 'done', '{"state":"' .. state .. '"}')
  tell(id)
  if not job.parent or job.parent == '' then
    redis.call('ZADD', P .. ':finished', NOW, id)
    return
  end
  tell_parent(job.parent, number(job.weight), state)
end

-- Cancels a job that no run can clean up after. The workers are notified, and clean up.
local function abandon(id, job)
  terminal(id, job, 'cancelled', {})
  redis.call('PUBLISH', P .. ':control', 'cancel ' .. id)
end

-- Returns a record's fields and its position in the queue.
local function answer(id)
  local job, flat, wrong = load(id)
  if not job.id then return {}, wrong end
  if job.state == 'queued' then
    local rank = redis.call('ZRANK', queued_key(job.lane), id)
    if rank then
      flat[#flat + 1] = 'position'
      flat[#flat + 1] = tostring(rank + 1)
    end
  end
  return flat
end

-- Whether no sweep ran for longer than a worker may be silent. Then the server or all workers were
-- down, and leases have ended that no worker could renew. Live workers get the same time again to
-- renew them, so that an outage does not restart every running job.
local function out_of_touch()
  local read = redis.call('HMGET', P .. ':swept', 'at', 'silence', 'mercy')
  if not tonumber(read[1] or '') then return false end
  local silence, mercy = number(read[2]), number(read[3])
  return NOW - number(read[1]) > silence or (NOW < mercy and mercy <= NOW + silence)
end

-- Whether the job, or the parent it is a part of, is asked to stop.
local function stopping(job)
  if job.cancel == '1' then return true end
  if not job.parent or job.parent == '' then return false end
  local parent = get_fields(job_key(job.parent), 'state', 'cancel')
  return not parent or parent[2] == '1' or not parent[1] or finished(parent[1])
end

local function letter(reason, payload)
  redis.call('XADD', P .. ':dead', 'MAXLEN', '~', 1000, '*', 'reason', reason, 'payload', string.sub(payload, 1, 1024))
end

-- Removes a job whose record cannot be read from all queues, once. It ends as failed, and its
-- parent counts it.
local function set_aside(id, reason)
  local job = load(id)
  if finished(job.state) then return end
  if job.id then
    terminal(id, job, 'failed', { 'error', DAMAGED })
  else
    for lane in pairs(LANES) do unlist(id, lane) end
    -- Dropped later with other finished jobs.
    if redis.call('ZADD', P .. ':finished', 'NX', NOW, id) == 0 then return end
    local read = get_fields(job_key(id), 'parent')
    if read and read[1] then tell_parent(read[1], 0, 'failed') end
  end
  letter('The record of job ' .. id .. ' cannot be read: ' .. reason, '')
end

-- The failure of a job that may not run again after this many losses; nil while it may. In the
-- control lane only attempts count.
local function given_up(job, losses)
  if losses >= MAX_LOSSES and job.lane ~= 'control' then
    return job.kind == 'generate' and ENDED_ITS_WORKER_GENERATING or ENDED_ITS_WORKER
  end
  if number(job.attempt) >= number(job.max) then return DELIVERY_LIMIT end
end
