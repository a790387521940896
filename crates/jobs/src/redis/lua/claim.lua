-- ARGV: 1 id, 2 worker, 3 lease in milliseconds, 4 whether other jobs run beside it (1), 5 delivery
-- Answer: {'run' | 'busy' | 'nothing' | 'paused' | 'alone' | 'damaged', record or what is wrong
-- with it}
local id = ARGV[1]
local job, flat, wrong = load(id)
if wrong then
  set_aside(id, wrong)
  return { 'damaged', { wrong } }
end
if not job.id or finished(job.state) or job.state == 'waiting' then return { 'nothing', {} } end
-- This delivery made the last claim, but did not get the answer. It still has the run, unless the
-- sweep has counted the run as lost.
local again = job.delivery == ARGV[5]
local has_it = again and job.state == 'running'
if job.state == 'running' and not again and (number(job.lease) > NOW or out_of_touch()) then
  return { 'busy', {} }
end
if job.state == 'queued' and redis.call('ZSCORE', delayed_key(job.lane), id) then return { 'nothing', {} } end
local losses = number(job.losses)
if job.state == 'running' and not again then losses = losses + 1 end
if job.state == 'queued' and again then losses = math.max(losses - 1, 0) end
if stopping(job) then
  abandon(id, job)
  return { 'nothing', {} }
end
local failure = not again and given_up(job, losses)
if failure then
  terminal(id, job, 'failed', { 'error', failure })
  return { 'nothing', {} }
end
if not has_it then
  if redis.call('SISMEMBER', P .. ':paused', job.lane) == 1 then return { 'paused', {} } end
  if ARGV[4] == '1' and losses > 0 and job.lane ~= 'control' then return { 'alone', {} } end
end
local lease = NOW + tonumber(ARGV[3])
redis.call('ZREM', queued_key(job.lane), id)
redis.call('ZADD', running_key(job.lane), lease, id)
local attempt, run = number(job.attempt), number(job.run)
if not again then attempt = attempt + 1 end
if not has_it then run = run + 1 end
local fields = { 'state', 'running', 'attempt', int(attempt), 'run', int(run), 'losses', int(losses),
  'worker', ARGV[2], 'delivery', ARGV[5], 'lease', int(lease), 'version', int(number(job.version) + 1),
  'started', job.started or int(NOW) }
redis.call('HSET', job_key(id), unpack(fields))
if not has_it then state_event(id, 'running', attempt) end
-- The reader takes the later value of a field that appears twice.
for _, part in ipairs(fields) do flat[#flat + 1] = part end
return { 'run', flat }
