-- ARGV: lane, name of each worker. Counts for apalis as well, which would take a worker that drains for dead.
for i = 1, #ARGV, 2 do
  redis.call('ZADD', P .. ':alive', NOW, ARGV[i] .. ' ' .. ARGV[i + 1])
  redis.call('ZADD', queue(ARGV[i]) .. ':workers', 'XX', math.floor(NOW / 1000), ARGV[i + 1])
end
return #ARGV / 2
