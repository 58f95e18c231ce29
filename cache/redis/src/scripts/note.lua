-- KEYS: cells. ARGV: a new stamp, time to live in milliseconds.
-- Returns the stamp of each cell, which is the new one where there was none; '' where the cell is marked.
local now = clock()
local noted = {}
for i, key in ipairs(KEYS) do
  local head = redis.pcall('GETRANGE', key, 0, 16)
  local state = type(head) == 'string' and #head == 17 and head:sub(1, 1)
  if state == 'S' or state == 'V' then
    noted[i] = head:sub(2)
    -- An entry keeps its own time.
    if state == 'S' and redis.call('PTTL', key) < ARGV[2] / 2 then redis.call('PEXPIRE', key, ARGV[2]) end
  else
    local marks, stamps = read(key, now)
    if #marks > 0 then
      noted[i] = ''
    else
      if stamps == '' then stamps = ARGV[1] end
      write(key, marks, stamps, now, ARGV[2])
      noted[i] = stamps:sub(1, 16)
    end
  end
end
return noted
