-- ARGV: 1 id, 2 worker, 3 lease in milliseconds
-- Answer: {'run' | 'busy' | 'nothing' | 'paused', record}
local id = ARGV[1]
local job, flat = load(id)
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
local lease = NOW + tonumber(ARGV[3])
redis.call('ZREM', queued_key(job.lane), id)
redis.call('ZADD', running_key(job.lane), lease, id)
local fields = { 'state', 'running', 'attempt', int(number(job.attempt) + 1), 'run', int(number(job.run) + 1),
  'worker', ARGV[2], 'lease', int(lease), 'version', int(number(job.version) + 1), 'started', job.started or int(NOW) }
redis.call('HSET', job_key(id), unpack(fields))
state_event(id, 'running', number(job.attempt) + 1)
-- Of a field that is there twice, the later one counts.
for _, part in ipairs(fields) do flat[#flat + 1] = part end
return { 'run', flat }
