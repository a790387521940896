-- ARGV: 1 id. Answer: {'ok' | 'unknown' | 'finished', record}
local id = ARGV[1]
local job = load(id)
if not job.id then return { 'unknown', {} } end
if finished(job.state) then return { 'finished', { job.state } } end
if job.state == 'running' then
  redis.call('HSET', job_key(id), 'cancel', '1')
  touch(id)
else
  terminal(id, job, 'cancelled', {})
end
redis.call('PUBLISH', P .. ':control', 'cancel ' .. id)
-- Running children are told at once; queued ones end when they are claimed, or at the next sweep.
local children = redis.call('ZRANGE', children_key(id), 0, -1)
for _, child in ipairs(children) do
  local read = redis.call('HGET', job_key(child), 'state')
  if read == 'running' then redis.call('PUBLISH', P .. ':control', 'cancel ' .. child) end
  if read == 'queued' then
    local queued = load(child)
    terminal(child, queued, 'cancelled', {})
  end
end
return { 'ok', answer(id) }
