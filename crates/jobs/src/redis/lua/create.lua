-- ARGV: 1 id, 2 kind, 3 lane, 4 payload, 5 max attempts, 6 owner, 7 idempotency key ('' = none), 8
-- digest, 9 milliseconds that the key is kept, 10 the lane's limit
-- Answer: {'new' | 'existing' | 'other' | 'full', record (of a new job without its payload, which
-- the caller has)}
local id, lane = ARGV[1], ARGV[3]
-- The owner's length keeps owner `a:b` with key `c` apart from owner `a` with key `b:c`.
local idempotency = P .. ':idempotency:' .. #ARGV[6] .. ':' .. ARGV[6] .. ':' .. ARGV[7]
if ARGV[7] ~= '' then
  -- An entry that cannot be read counts as missing, and so does one whose job cannot be read.
  local old = redis.pcall('GET', idempotency)
  if type(old) == 'string' then
    local old_id, digest = string.match(old, '^(%S+) (%x+)$')
    if old_id and load(old_id).id then
      if digest ~= ARGV[8] then return { 'other', { old_id } } end
      return { 'existing', answer(old_id) }
    end
  end
end
if redis.call('ZCARD', queued_key(lane)) >= tonumber(ARGV[10]) then return { 'full', {} } end
if ARGV[7] ~= '' then redis.call('SET', idempotency, id .. ' ' .. ARGV[8], 'PX', ARGV[9]) end
local fields = { 'id', id, 'kind', ARGV[2], 'lane', lane, 'max', ARGV[5], 'owner', ARGV[6], 'state', 'queued',
  'step', 'start', 'attempt', '0', 'losses', '0', 'run', '0', 'created', int(NOW), 'version', '1', 'task', push_task(id, lane) }
redis.call('HSET', job_key(id), 'payload', ARGV[4], unpack(fields))
redis.call('ZADD', P .. ':jobs', 0, id)
redis.call('ZADD', queued_key(lane), NOW, id)
-- No client follows this job yet, but a stream of its owner's jobs may wait for new ones.
note(id, 'state', state_data('queued', 0))
tell(id)
fields[#fields + 1] = 'position'
fields[#fields + 1] = int(redis.call('ZRANK', queued_key(lane), id) + 1)
return { 'new', fields }
