-- ARGV: lanes. Queues delayed jobs whose time has come, at most 1,000 a lane. Answer: how many
local count = 0
for i = 1, #ARGV do
  local due = redis.call('ZRANGEBYSCORE', delayed_key(ARGV[i]), 0, NOW, 'LIMIT', 0, 1000)
  for _, id in ipairs(due) do
    redis.call('ZREM', delayed_key(ARGV[i]), id)
    if redis.call('HGET', job_key(id), 'state') == 'queued' then push_task(id, ARGV[i]) end
    count = count + 1
  end
end
return count
