-- KEYS: cells. ARGV: a new stamp, time to live in milliseconds.
-- Returns the stamp of each cell.
local now = clock()
local noted = {}
for i, key in ipairs(KEYS) do noted[i] = note(key, now, ARGV[1], ARGV[2]) end
return noted
