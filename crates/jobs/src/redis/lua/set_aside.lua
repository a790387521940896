-- ARGV: 1 id, 2 what is wrong with its record. Answer: 1
set_aside(ARGV[1], ARGV[2])
return 1
