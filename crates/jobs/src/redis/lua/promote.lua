-- ARGV: 1 how many of each lane at most, then lanes. Queues delayed jobs whose time has come. Answer: how many
local count = 0
for i = 2, #ARGV do
  local due = redis.call('ZRANGEBYSCORE', delayed_key(ARGV[i]), 0, NOW, 'LIMIT', 0, ARGV[1])
  for _, id in ipairs(due) do
    redis.call('ZREM', delayed_key(ARGV[i]), id)
    if redis.call('HGET', job_key(id), 'state') == 'queued' then
      redis.call('HSET', job_key(id), 'task', push_task(id, ARGV[i]))
    end
    count = count + 1
  end
end
return count
