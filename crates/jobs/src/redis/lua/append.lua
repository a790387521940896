-- ARGV: 1 id, 2 run, 3 kind, 4 data. Answer: 1, or 0 when the run is fenced
local id = ARGV[1]
local read = redis.call('HMGET', job_key(id), 'run', 'state')
if read[1] ~= ARGV[2] or read[2] ~= 'running' then return 0 end
if ARGV[3] == 'preview' then
  redis.call('HSET', job_key(id), 'preview', ARGV[4])
  touch(id)
end
event(id, ARGV[3], ARGV[4])
return 1
