-- ARGV: 1 milliseconds after which a queued job is checked for a lost task, 2 offset of that check,
--       3 milliseconds that a worker may be silent, then lanes
-- Answer: {reaped, rescued, offset of the next check}
local reaped, rescued, go_on = 0, 0, 0

local last = redis.call('HGET', P .. ':swept', 'at')
if last and NOW - number(last) > tonumber(ARGV[3]) then
  redis.call('HSET', P .. ':swept', 'mercy', NOW + tonumber(ARGV[3]))
end
redis.call('HSET', P .. ':swept', 'at', NOW, 'silence', ARGV[3])
local merciful = out_of_touch()

-- Ended leases: the worker is dead or frozen. If it comes back, the fence refuses its writes.
for i = 4, #ARGV do
  local lane = ARGV[i]
  local ended = {}
  if not merciful then ended = redis.call('ZRANGEBYSCORE', running_key(lane), '-inf', NOW, 'LIMIT', 0, 200) end
  for _, id in ipairs(ended) do
    local job, _, wrong = load(id)
    local losses = number(job.losses) + 1
    if wrong then
      redis.call('ZREM', running_key(lane), id)
      set_aside(id, wrong)
    elseif job.state ~= 'running' or job.lane ~= lane then
      redis.call('ZREM', running_key(lane), id)
    elseif stopping(job) then
      abandon(id, job)
    elseif given_up(job, losses) then
      terminal(id, job, 'failed', { 'error', given_up(job, losses) })
    else
      unlist(id, lane)
      redis.call('HSET', job_key(id), 'state', 'queued', 'losses', losses)
      redis.call('HDEL', job_key(id), 'worker', 'lease')
      touch(id)
      enqueue(id, lane, 0)
      state_event(id, 'queued', number(job.attempt))
    end
    reaped = reaped + 1
  end
end

-- Queued jobs whose task is gone. Each sweep checks one window, so that a long queue is checked to
-- its end.
local offset, seen = tonumber(ARGV[2]), 0
for i = 4, #ARGV do
  local lane = ARGV[i]
  local late = redis.call('ZRANGEBYSCORE', queued_key(lane), 0, NOW - tonumber(ARGV[1]), 'LIMIT', offset, 500)
  seen = math.max(seen, #late)
  for _, id in ipairs(late) do
    -- Not the whole record: the payload may be large.
    local read = get_fields(job_key(id), 'state', 'task') or {}
    if read[1] ~= 'queued' then
      redis.call('ZREM', queued_key(lane), id)
      local _, _, wrong = load(id)
      if wrong then set_aside(id, wrong) end
    elseif not redis.call('ZSCORE', delayed_key(lane), id)
      and not (read[2] and redis.call('HEXISTS', contents_key(lane), read[2]) == 1) then
      redis.call('HSET', job_key(id), 'task', push_task(id, lane))
      rescued = rescued + 1
    end
  end
end
if seen == 500 then go_on = offset + 500 end

return { reaped, rescued, go_on }
