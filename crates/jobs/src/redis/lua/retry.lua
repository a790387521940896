-- ARGV: 1 id, 2 the lane's limit.
-- Answer: {'ok' | 'unknown' | 'state' | 'parent' | 'full' | 'damaged', record or what is wrong with
-- it}
local id = ARGV[1]
local job, _, wrong = load(id)
if wrong then return { 'damaged', { wrong } } end
if not job.id then return { 'unknown', {} } end
if job.state ~= 'failed' and job.state ~= 'cancelled' then return { 'state', { job.state } } end
local function revive(one_id, one)
  redis.pcall('HINCRBY', P .. ':totals', one.lane .. ':' .. one.state, -1)
  redis.call('HSET', job_key(one_id), 'attempt', 0, 'losses', 0, 'state', 'queued')
  redis.call('HDEL', job_key(one_id), 'finished', 'cancel', 'error')
  redis.call('HINCRBY', job_key(one_id), 'retries', 1)
  redis.call('ZREM', P .. ':finished', one_id)
  touch(one_id)
end
if job.parent and job.parent ~= '' then
  local parent = load(job.parent)
  parent = { parent.state, parent.step }
  if parent[1] ~= 'waiting' and parent[1] ~= 'running' then return { 'parent', { parent[1] or 'gone' } } end
  if parent[2] == 'merge' and parent[1] == 'running' then return { 'parent', { 'merging' } } end
end
if redis.call('ZCARD', queued_key(job.lane)) >= tonumber(ARGV[2]) then return { 'full', {} } end
if job.parent and job.parent ~= '' then
  redis.call('HINCRBY', job_key(job.parent), 'kids_' .. job.state, -1)
  redis.call('HINCRBY', job_key(job.parent), 'kids_done', -number(job.weight))
end
revive(id, job)
local revived = 0
for _, child_id in ipairs(members(children_key(id))) do
  local child = load(child_id)
  if child.state == 'failed' or child.state == 'cancelled' then
    redis.call('HINCRBY', job_key(id), 'kids_' .. child.state, -1)
    redis.call('HINCRBY', job_key(id), 'kids_done', -number(child.weight))
    revive(child_id, child)
    enqueue(child_id, child.lane, 0)
    state_event(child_id, 'queued', 0)
    revived = revived + 1
  end
end
if job.step == 'merge' and revived > 0 then
  redis.call('HSET', job_key(id), 'state', 'waiting')
  state_event(id, 'waiting', 0)
else
  enqueue(id, job.lane, 0)
  state_event(id, 'queued', 0)
end
return { 'ok', answer(id) }
