-- KEYS: cells. ARGV: token, duration in milliseconds.
-- Adds the token to the marks of each cell. A token that is there is prolonged, never shortened.
local now = clock()
local expiry = now + tonumber(ARGV[2])
for _, key in ipairs(KEYS) do
  local marks, stamps = read(key, now)
  local found = false
  for _, mark in ipairs(marks) do
    if mark[1] == ARGV[1] then
      found = true
      if expiry > mark[2] then mark[2] = expiry end
    end
  end
  if not found then
    if #marks >= 9999 then return redis.error_reply('ERR a tag has 9999 writers at once') end
    marks[#marks + 1] = { ARGV[1], expiry }
  end
  write(key, marks, stamps, now)
end
return 1
