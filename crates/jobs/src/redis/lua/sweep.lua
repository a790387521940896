-- ARGV: 1 milliseconds after which a waiting job is checked for a lost task, 2 where to go on checking,
--       3 milliseconds that finished jobs are kept, 4 how many are kept, then lanes
-- Answer: {reaped, rescued, expired, where to go on}
local reaped, rescued, expired, go_on = 0, 0, 0, 0

-- Leases that have ended: the worker is gone, or frozen. The fence keeps it from writing if it comes back.
for i = 5, #ARGV do
  local lane = ARGV[i]
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', running_key(lane), 0, NOW, 'LIMIT', 0, 200)) do
    local job = load(id)
    if not job.id or job.state ~= 'running' then
      redis.call('ZREM', running_key(lane), id)
    elseif stopping(job) then
      terminal(id, job, 'cancelled', {})
    elseif number(job.attempt) >= number(job.max) then
      terminal(id, job, 'failed', { 'error', DELIVERY_LIMIT })
    else
      unlist(id, lane)
      redis.call('HSET', job_key(id), 'state', 'queued')
      redis.call('HDEL', job_key(id), 'worker', 'lease')
      touch(id)
      enqueue(id, lane, 0)
      state_event(id, 'queued', number(job.attempt))
    end
    reaped = reaped + 1
  end
end

-- Queued jobs whose task is gone. A window at a time, so that a long line does not hide its end.
local offset, seen = tonumber(ARGV[2]), 0
for i = 5, #ARGV do
  local lane = ARGV[i]
  local late = redis.call('ZRANGEBYSCORE', queued_key(lane), 0, NOW - tonumber(ARGV[1]), 'LIMIT', offset, 500)
  seen = math.max(seen, #late)
  for _, id in ipairs(late) do
    local read = redis.call('HMGET', job_key(id), 'state', 'task')
    if read[1] ~= 'queued' then
      redis.call('ZREM', queued_key(lane), id)
    elseif not redis.call('ZSCORE', delayed_key(lane), id)
      and not (read[2] and redis.call('HEXISTS', queue(lane) .. ':data', read[2]) == 1) then
      push_task(id, lane)
      rescued = rescued + 1
    end
  end
end
if seen == 500 then go_on = offset + 500 end

-- Finished jobs whose time is over, and those above the bound; with their parts.
local function drop(id)
  for _, child in ipairs(redis.call('ZRANGE', children_key(id), 0, -1)) do
    local lane = redis.call('HGET', job_key(child), 'lane')
    if lane then unlist(child, lane) end
    redis.call('UNLINK', job_key(child), events_key(child))
  end
  redis.call('UNLINK', job_key(id), events_key(id), children_key(id))
  redis.call('ZREM', P .. ':jobs', id)
  redis.call('ZREM', P .. ':finished', id)
  expired = expired + 1
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. ':finished', 0, NOW - tonumber(ARGV[3]), 'LIMIT', 0, 200)) do drop(id) end
local above = redis.call('ZCARD', P .. ':finished') - tonumber(ARGV[4])
if above > 0 then
  for _, id in ipairs(redis.call('ZRANGE', P .. ':finished', 0, math.min(above, 200) - 1)) do drop(id) end
end

-- What apalis leaves behind for each task that ended.
for i = 5, #ARGV do
  local q = queue(ARGV[i])
  for _, set in ipairs({ ':done', ':dead' }) do
    for _, task in ipairs(redis.call('SPOP', q .. set, 1000)) do
      redis.call('HDEL', q .. ':data', task)
      redis.call('UNLINK', q .. ':meta:' .. task)
    end
  end
end
return { reaped, rescued, expired, go_on }
