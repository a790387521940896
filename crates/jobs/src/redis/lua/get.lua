-- ARGV: 1 id. Answer: record
return answer(ARGV[1])
