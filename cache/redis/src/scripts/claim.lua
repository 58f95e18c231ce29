-- KEYS: fill lease, entry. ARGV: lease, client, duration in milliseconds, whether the entry is to be read again ('' or
-- 1), the stamps that were noted.
-- Returns who is at the fill, and the entry if it stands.
local noted = {}
for i = 5, #ARGV do noted[i - 4] = ARGV[i] end
local held, entry = claim(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], noted)
return { held, entry }
