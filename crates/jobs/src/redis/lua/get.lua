-- ARGV: 1 id. Answer: {record, what is wrong with it or ''}
local record, wrong = answer(ARGV[1])
return { record, wrong or '' }
