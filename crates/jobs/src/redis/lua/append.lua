-- ARGV: 1 id, 2 run, 3 kind, 4 data, 5 previews kept. Answer: 1, or 0 when the run is fenced
local id = ARGV[1]
local read = get_fields(job_key(id), 'run', 'state')
if not read or read[1] ~= ARGV[2] or read[2] ~= 'running' then return 0 end
if ARGV[3] == 'preview' then
  redis.call('HSET', job_key(id), 'preview', ARGV[4])
  touch(id)
end
local event_id = event(id, ARGV[3], ARGV[4])
if ARGV[3] == 'preview' then
  -- Previews are large: only the newest few can be replayed.
  if redis.call('RPUSH', previews_key(id), event_id) > tonumber(ARGV[5]) then
    redis.call('XDEL', events_key(id), redis.call('LPOP', previews_key(id)))
  end
end
return 1
