-- ARGV: 1 reason, 2 payload. A worker loop may end before it acknowledges the task, so the same
-- task may be buried twice: only one letter is written.
-- Answer: 1, or 0 when the letter exists already
local function value(entry, name)
  for i = 1, #entry, 2 do if entry[i] == name then return entry[i + 1] end end
end
for _, letter in ipairs(redis.call('XREVRANGE', P .. ':dead', '+', '-', 'COUNT', 100)) do
  if value(letter[2], 'reason') == ARGV[1] and value(letter[2], 'payload') == ARGV[2] then return 0 end
end
redis.call('XADD', P .. ':dead', 'MAXLEN', '~', 1000, '*', 'reason', ARGV[1], 'payload', ARGV[2])
return 1
