-- ARGV: 1 parent, 2 run, 3 unit as JSON, then for each child: id, lane, payload, weight
-- Answer: {kids, succeeded, failed, cancelled}, or {} when the run is fenced
local parent_id = ARGV[1]
local parent = load(parent_id)
if parent.run ~= ARGV[2] or parent.state ~= 'running' then return {} end
local made, weight = 0, 0
for i = 4, #ARGV, 4 do
  local id, lane = ARGV[i], ARGV[i + 1]
  if redis.call('EXISTS', job_key(id)) == 0 then
    redis.call('HSET', job_key(id), 'id', id, 'kind', parent.kind, 'lane', lane, 'payload', ARGV[i + 2], 'max', parent.max,
      'owner', parent.owner or '', 'state', 'queued', 'step', 'start', 'attempt', 0, 'run', 0, 'created', NOW,
      'version', 1, 'parent', parent_id, 'weight', ARGV[i + 3])
    redis.call('ZADD', children_key(parent_id), 0, id)
    note_state(id, 'queued', 0)
    enqueue(id, lane, 0)
    made, weight = made + 1, weight + tonumber(ARGV[i + 3])
  end
end
local kids = redis.call('HINCRBY', job_key(parent_id), 'kids', made)
redis.call('HINCRBY', job_key(parent_id), 'kids_weight', weight)
redis.call('HSET', job_key(parent_id), 'kids_unit', ARGV[3])
touch(parent_id)
return { kids, number(parent.kids_succeeded), number(parent.kids_failed), number(parent.kids_cancelled) }
