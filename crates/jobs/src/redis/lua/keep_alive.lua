-- ARGV: lane, name of each worker. Also renews apalis' own entry, which a draining worker does not
-- renew itself.
for i = 1, #ARGV, 2 do
  redis.call('ZADD', P .. ':alive', NOW, ARGV[i] .. ' ' .. ARGV[i + 1])
  redis.call('ZADD', workers_key(ARGV[i]), 'XX', math.floor(NOW / 1000), ARGV[i + 1])
end
return #ARGV / 2
