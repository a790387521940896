-- ARGV: 1 id, 2 run, 3 lease in milliseconds, 4 progress ('' = unchanged), 5 cursor
-- ('' = unchanged), 6 whether the job made progress (1)
-- Answer: 'ok' | 'cancel' | 'lost'
local id = ARGV[1]
local read = get_fields(job_key(id), 'run', 'state', 'lane', 'cancel', 'parent')
if not read or not LANES[read[3] or ''] or read[1] ~= ARGV[2] or read[2] ~= 'running' then return 'lost' end
local lease = NOW + tonumber(ARGV[3])
redis.call('HSET', job_key(id), 'lease', lease)
redis.call('ZADD', running_key(read[3]), lease, id)
if ARGV[5] ~= '' then redis.call('HSET', job_key(id), 'cursor', ARGV[5]) end
if ARGV[6] == '1' then
  redis.call('HSET', job_key(id), 'attempt', 1, 'losses', 0)
  touch(id)
end
if ARGV[4] ~= '' then
  redis.call('HSET', job_key(id), 'progress', ARGV[4])
  touch(id)
  event(id, 'progress', ARGV[4])
end
if stopping({ cancel = read[4], parent = read[5] or '' }) then return 'cancel' end
return 'ok'
