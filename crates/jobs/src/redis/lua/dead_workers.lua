-- ARGV: 1 milliseconds of silence after which a worker counts as dead. Answer: 'lane name' for each
if out_of_touch() then return {} end
local dead = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', P .. ':alive', '-inf', NOW - tonumber(ARGV[1]), 'LIMIT', 0, 100)) do
  if LANES[string.match(member, '^(%l+) .+$') or ''] then
    dead[#dead + 1] = member
  else
    redis.call('ZREM', P .. ':alive', member)
  end
end
return dead
