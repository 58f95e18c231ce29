-- KEYS: entry, cells. ARGV: how the entry begins, how it is to begin, the stamp that each cell must have.
-- Exchanges the beginning if it is still that one and the cells have the stamps. Returns whether it did.
if not hold(2) then return 0 end
local entry = redis.pcall('GET', KEYS[1])
if type(entry) ~= 'string' or entry:sub(1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2] .. entry:sub(#ARGV[1] + 1), 'KEEPTTL')
return 1
