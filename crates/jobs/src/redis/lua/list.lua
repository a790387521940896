-- ARGV: 1 kind, 2 state, 3 owner, 4 parent, 5 before, 6 limit ('' = any).
-- Answer: {last id that was read or '', {id and record...}, ids of records that cannot be read}
-- Ids sort by their time of creation, so the index needs no score.
local index = P .. ':jobs'
if ARGV[4] ~= '' then index = children_key(ARGV[4]) end
local from = '+'
if ARGV[5] ~= '' then from = '(' .. ARGV[5] end
local limit, looked, found, last, damaged = tonumber(ARGV[6]), 0, {}, '', {}
while #found < limit and looked < 4000 do
  local ids = redis.call('ZREVRANGEBYLEX', index, from, '-', 'LIMIT', 0, 200)
  for _, id in ipairs(ids) do
    from = '(' .. id
    if #id ~= 36 or not string.find(id, JOB_ID) then
      -- Not a job's id, so no caller could continue after it.
      redis.call('ZREM', index, id)
    else
      local read = get_fields(job_key(id), 'kind', 'state', 'owner')
      local wanted = not read or ((ARGV[1] == '' or read[1] == ARGV[1]) and (ARGV[2] == '' or read[2] == ARGV[2])
        and (ARGV[3] == '' or read[3] == ARGV[3]))
      if wanted then
        local record, wrong = answer(id)
        if wrong then damaged[#damaged + 1] = { id, wrong } end
        if #record > 0 then found[#found + 1] = { id, record } end
      end
      last = id
    end
    looked = looked + 1
    if #found == limit then break end
  end
  if #ids < 200 and #found < limit then
    last = ''
    break
  end
end
return { last, found, damaged }
