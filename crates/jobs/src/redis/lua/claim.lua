-- ARGV: 1 id, 2 worker, 3 lease in milliseconds, 4 whether other jobs run beside it (1)
-- Answer: {'run' | 'busy' | 'nothing' | 'paused' | 'alone' | 'damaged', record or what is wrong
-- with it}
local id = ARGV[1]
local job, flat, wrong = load(id)
if wrong then
  set_aside(id, wrong)
  return { 'damaged', { wrong } }
end
if not job.id or finished(job.state) or job.state == 'waiting' then return { 'nothing', {} } end
if job.state == 'running' and (number(job.lease) > NOW or out_of_touch()) then return { 'busy', {} } end
if job.state == 'queued' and redis.call('ZSCORE', delayed_key(job.lane), id) then return { 'nothing', {} } end
local losses = number(job.losses)
if job.state == 'running' then losses = losses + 1 end
if stopping(job) then
  terminal(id, job, 'cancelled', {})
  return { 'nothing', {} }
end
local failure = given_up(job, losses)
if failure then
  terminal(id, job, 'failed', { 'error', failure })
  return { 'nothing', {} }
end
if redis.call('SISMEMBER', P .. ':paused', job.lane) == 1 then return { 'paused', {} } end
if ARGV[4] == '1' and losses > 0 and job.lane ~= 'control' then return { 'alone', {} } end
local lease = NOW + tonumber(ARGV[3])
redis.call('ZREM', queued_key(job.lane), id)
redis.call('ZADD', running_key(job.lane), lease, id)
local fields = { 'state', 'running', 'attempt', int(number(job.attempt) + 1), 'run', int(number(job.run) + 1),
  'losses', int(losses), 'worker', ARGV[2], 'lease', int(lease), 'version', int(number(job.version) + 1), 'started', job.started or int(NOW) }
redis.call('HSET', job_key(id), unpack(fields))
state_event(id, 'running', number(job.attempt) + 1)
-- The reader takes the later value of a field that appears twice.
for _, part in ipairs(fields) do flat[#flat + 1] = part end
return { 'run', flat }
