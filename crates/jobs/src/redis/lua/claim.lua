-- ARGV: 1 id, 2 worker, 3 lease in milliseconds
-- Answer: {'run' | 'busy' | 'nothing' | 'paused', record}
local id = ARGV[1]
local job = load(id)
if not job.id or finished(job.state) or job.state == 'waiting' then return { 'nothing', {} } end
if job.state == 'running' and (number(job.lease) > NOW or out_of_touch()) then return { 'busy', {} } end
if job.state == 'queued' and redis.call('ZSCORE', delayed_key(job.lane), id) then return { 'nothing', {} } end
if stopping(job) then
  terminal(id, job, 'cancelled', {})
  return { 'nothing', {} }
end
if number(job.attempt) >= number(job.max) then
  terminal(id, job, 'failed', { 'error', DELIVERY_LIMIT })
  return { 'nothing', {} }
end
if redis.call('SISMEMBER', P .. ':paused', job.lane) == 1 then return { 'paused', {} } end
local attempt = number(job.attempt) + 1
local lease = NOW + tonumber(ARGV[3])
unlist(id, job.lane)
redis.call('ZADD', running_key(job.lane), lease, id)
redis.call('HSET', job_key(id), 'state', 'running', 'attempt', attempt, 'run', number(job.run) + 1, 'worker', ARGV[2],
  'lease', lease)
redis.call('HSETNX', job_key(id), 'started', NOW)
touch(id)
state_event(id, 'running', attempt)
return { 'run', answer(id) }
