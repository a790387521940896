-- ARGV: 1 how many of each lane at most, then lanes. Queues delayed jobs that are due.
-- Answer: how many
local count = 0
for i = 2, #ARGV do
  local due = redis.call('ZRANGEBYSCORE', delayed_key(ARGV[i]), 0, NOW, 'LIMIT', 0, ARGV[1])
  for _, id in ipairs(due) do
    redis.call('ZREM', delayed_key(ARGV[i]), id)
    local read = get_fields(job_key(id), 'state')
    if not read then set_aside(id, 'its key holds no hash') end
    if read and read[1] == 'queued' then
      redis.call('HSET', job_key(id), 'task', push_task(id, ARGV[i]))
    end
    count = count + 1
  end
end
return count
