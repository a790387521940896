-- ARGV: 1 id, 2 after ('' = from the first), 3 limit
-- Answer: {} when there is no such job, else {id of the first event kept or '', entries}
local id = ARGV[1]
if redis.call('EXISTS', job_key(id)) == 0 then return {} end
local first = redis.call('XRANGE', events_key(id), '-', '+', 'COUNT', 1)
local first_id = ''
if first[1] then first_id = first[1][1] end
local from = '-'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
return { first_id, redis.call('XRANGE', events_key(id), from, '+', 'COUNT', ARGV[3]) }
