-- Takes the stamps of cells away and leaves marks alone.
local now = clock()
local cell, _, answer = begin(now)
for i = cell, #KEYS do
  local marks, _, first, last = read(KEYS[i], now)
  write(KEYS[i], marks, '', first, last, now)
end
tell()
return answer
