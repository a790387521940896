-- ARGV: 1 milliseconds after which a silent worker is not counted, then lanes
-- Answer: for each lane {paused, queued, running, milliseconds the first has waited or -1, workers,
-- succeeded, failed, cancelled}
local answers = {}
local alive = redis.call('ZRANGEBYSCORE', P .. ':alive', NOW - tonumber(ARGV[1]), '+inf')
for i = 2, #ARGV do
  local lane, oldest, workers, seen = ARGV[i], -1, 0, {}
  local first = redis.call('ZRANGE', queued_key(lane), 0, 0, 'WITHSCORES')
  if first[2] then oldest = math.max(0, NOW - tonumber(first[2])) end
  for _, member in ipairs(alive) do
    -- A process may have several loops in a lane; their names differ in the part after the last
    -- dash.
    local process = string.match(member, '^' .. lane .. ' (.*)%-[^-]*$')
    if process and not seen[process] then workers, seen[process] = workers + 1, true end
  end
  local totals = redis.call('HMGET', P .. ':totals', lane .. ':succeeded', lane .. ':failed', lane .. ':cancelled')
  answers[#answers + 1] = {
    redis.call('SISMEMBER', P .. ':paused', lane), redis.call('ZCARD', queued_key(lane)),
    redis.call('ZCARD', running_key(lane)), oldest, workers, number(totals[1] or nil), number(totals[2] or nil),
    number(totals[3] or nil),
  }
end
return answers
