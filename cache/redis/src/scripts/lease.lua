-- KEYS: fill lease, entry, cells. ARGV: lease, client, duration in milliseconds, whether the entry is to be read again
-- ('' or 1), how many of the cells must not be marked, a new stamp, time to live in milliseconds.
-- Returns the stamp of each cell, then who is at the fill, then the entry if it stands.
local now = clock()
local noted, marked = {}, false
for i = 3, #KEYS do
  noted[i - 2] = note(KEYS[i], now, ARGV[6], ARGV[7])
  if noted[i - 2] == '' and i - 2 <= tonumber(ARGV[5]) then marked = true end
end
local held, entry = '', ''
if not marked then held, entry = claim(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], noted) end
noted[#noted + 1] = held
noted[#noted + 1] = entry
return noted
