-- KEYS: entry, cells, then a fill lease if there is one. ARGV: value, time to live in milliseconds, lease ('' if there
-- is none), the stamp that each cell must have.
-- Stores the entry if the cells still have the stamps, and ends the fill lease. Returns whether it did.
if ARGV[3] ~= '' then unclaim(KEYS[#KEYS], ARGV[3]) end
if not hold(3) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
