-- ARGV: 1 kind, 2 state, 3 owner, 4 parent, 5 before, 6 limit ('' = any). Answer: {last id looked at or '', record...}
-- Ids sort by their time of creation, so the index needs no score.
local index = P .. ':jobs'
if ARGV[4] ~= '' then index = children_key(ARGV[4]) end
local from = '+'
if ARGV[5] ~= '' then from = '(' .. ARGV[5] end
local limit, looked, found, last = tonumber(ARGV[6]), 0, {}, ''
while #found < limit and looked < 4000 do
  local ids = redis.call('ZREVRANGEBYLEX', index, from, '-', 'LIMIT', 0, 200)
  for _, id in ipairs(ids) do
    local read = redis.call('HMGET', job_key(id), 'kind', 'state', 'owner')
    if read[1] and (ARGV[1] == '' or read[1] == ARGV[1]) and (ARGV[2] == '' or read[2] == ARGV[2])
      and (ARGV[3] == '' or read[3] == ARGV[3]) then
      found[#found + 1] = answer(id)
    end
    looked, last, from = looked + 1, id, '(' .. id
    if #found == limit then break end
  end
  if #ids < 200 and #found < limit then
    last = ''
    break
  end
end
return { last, found }
