-- ARGV: 1 id, 2 after ('' = from the first), 3 limit
-- Answer: {} when there is no such job, else {id of the first event kept or '', id of the last,
-- entries}
local id = ARGV[1]
if redis.call('EXISTS', job_key(id)) == 0 then return {} end
local function entries(command, from, to, count)
  local read = redis.pcall(command, events_key(id), from, to, 'COUNT', count)
  -- The key does not hold a stream, or no id can follow the given one.
  if read.err then return {} end
  return read
end
local function id_of(entry) return entry and entry[1] or '' end
local first, last = id_of(entries('XRANGE', '-', '+', 1)[1]), id_of(entries('XREVRANGE', '+', '-', 1)[1])
local from = '-'
if ARGV[2] ~= '' then from = '(' .. ARGV[2] end
return { first, last, entries('XRANGE', from, '+', ARGV[3]) }
