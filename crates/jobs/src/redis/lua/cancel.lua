-- ARGV: 1 id. Answer: {'ok' | 'unknown' | 'finished' | 'damaged', record or what is wrong with it}
local id = ARGV[1]
local job, _, wrong = load(id)
if wrong then return { 'damaged', { wrong } } end
if not job.id then return { 'unknown', {} } end
if finished(job.state) then return { 'finished', { job.state } } end
if job.state == 'running' then
  redis.call('HSET', job_key(id), 'cancel', '1')
  touch(id)
else
  terminal(id, job, 'cancelled', {})
end
redis.call('PUBLISH', P .. ':control', 'cancel ' .. id)
-- Running children are asked to stop; queued ones end here. Workers clean up after those that ran.
local children = members(children_key(id))
for _, child in ipairs(children) do
  local queued = load(child)
  if queued.state == 'running' or (queued.state == 'queued' and queued.started) then
    redis.call('PUBLISH', P .. ':control', 'cancel ' .. child)
  end
  if queued.state == 'queued' then terminal(child, queued, 'cancelled', {}) end
end
return { 'ok', answer(id) }
