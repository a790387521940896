-- ARGV: 1 milliseconds that finished jobs are kept, 2 how many are kept, 3 jobs dropped in one call
-- at most
-- Answer: {jobs dropped, 1 when there is more to do}
local expired, more = 0, 0
local jobs = tonumber(ARGV[3])

-- Drops a finished job with its parts.
local function drop(id)
  for _, child in ipairs(members(children_key(id))) do
    for lane in pairs(LANES) do unlist(child, lane) end
    redis.call('UNLINK', job_key(child), events_key(child), previews_key(child))
  end
  redis.call('UNLINK', job_key(id), events_key(id), previews_key(id), children_key(id))
  redis.call('ZREM', P .. ':jobs', id)
  redis.call('ZREM', P .. ':finished', id)
  expired = expired + 1
end
local old = redis.call('ZRANGEBYSCORE', P .. ':finished', 0, NOW - tonumber(ARGV[1]), 'LIMIT', 0, jobs)
for _, id in ipairs(old) do drop(id) end
local above = redis.call('ZCARD', P .. ':finished') - tonumber(ARGV[2])
if above > 0 then
  for _, id in ipairs(redis.call('ZRANGE', P .. ':finished', 0, math.min(above, jobs) - 1)) do drop(id) end
end
if #old == jobs or above > jobs then more = 1 end
return { expired, more }
