-- KEYS: entry, cells. ARGV: value, time to live in milliseconds, the stamp that each cell must have.
-- Stores the entry if the cells still have the stamps. Returns whether it did.
if not hold() then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
