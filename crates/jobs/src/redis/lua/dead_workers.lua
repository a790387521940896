-- ARGV: 1 milliseconds of silence after which a worker is taken for dead. Answer: 'lane name' for each
if out_of_touch() then return {} end
return redis.call('ZRANGEBYSCORE', P .. ':alive', 0, NOW - tonumber(ARGV[1]), 'LIMIT', 0, 100)
