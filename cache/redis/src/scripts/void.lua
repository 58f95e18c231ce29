-- KEYS: cells.
-- Takes the stamps away and leaves marks alone.
local now = clock()
for _, key in ipairs(KEYS) do
  local marks = read(key, now)
  write(key, marks, '', now)
end
return 1
