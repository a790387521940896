-- ARGV: 1 id, 2 run, 3 outcome (succeeded | wait | failed | cancelled | retry | later), 4 result or
-- error, 5 receipt ('' = none), 6 delay in milliseconds
-- Answer: the job's new state, or 'fenced'
local id, outcome = ARGV[1], ARGV[3]
-- Not the whole record: the payload may be large.
local names = { 'run', 'state', 'lane', 'attempt', 'max', 'parent', 'cancel', 'weight', 'version', 'kids', 'kids_succeeded',
  'kids_failed', 'kids_cancelled' }
local job = {}
for place, value in ipairs(get_fields(job_key(id), unpack(names)) or {}) do job[names[place]] = value or nil end
if not LANES[job.lane or ''] or job.run ~= ARGV[2] or job.state ~= 'running' then return 'fenced' end
if (outcome == 'retry' or outcome == 'later' or outcome == 'wait') and stopping(job) then
  abandon(id, job)
  return 'cancelled'
end
if outcome == 'retry' and number(job.attempt) >= number(job.max) then outcome = 'failed' end
if outcome == 'succeeded' then
  local fields = { 'result', ARGV[4] }
  if ARGV[5] ~= '' then fields = { 'result', ARGV[4], 'receipt', ARGV[5] } end
  terminal(id, job, 'succeeded', fields)
elseif outcome == 'failed' then
  terminal(id, job, 'failed', { 'error', ARGV[4] })
elseif outcome == 'cancelled' then
  terminal(id, job, 'cancelled', {})
else
  redis.call('ZREM', running_key(job.lane), id)
  redis.call('HDEL', job_key(id), 'worker', 'delivery', 'lease')
  if outcome == 'wait' then
    redis.call('HSET', job_key(id), 'state', 'waiting')
    touch(id)
    if children_left(job) == 0 then
      merge(id, job)
      return 'queued'
    end
    state_event(id, 'waiting', number(job.attempt))
    return 'waiting'
  end
  local attempt, failure = number(job.attempt), ''
  if outcome == 'later' then attempt = attempt - 1 else failure = ARGV[4] end
  redis.call('HSET', job_key(id), 'state', 'queued', 'attempt', attempt)
  if failure ~= '' then redis.call('HSET', job_key(id), 'error', failure) end
  touch(id)
  enqueue(id, job.lane, tonumber(ARGV[6]))
  state_event(id, 'queued', attempt, failure)
  return 'queued'
end
return outcome
