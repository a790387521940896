-- ARGV: 1 owner, 2 idempotency key, 3 digest
-- Answer: {'none' | 'existing' | 'other', record}
-- An entry that cannot be read counts as missing, and so does one whose job cannot be read.
local old = redis.pcall('GET', P .. ':idempotency:' .. #ARGV[1] .. ':' .. ARGV[1] .. ':' .. ARGV[2])
if type(old) ~= 'string' then return { 'none', {} } end
local id, digest = string.match(old, '^(%S+) (%x+)$')
if not id or not load(id).id then return { 'none', {} } end
if digest ~= ARGV[3] then return { 'other', { id } } end
return { 'existing', answer(id) }
