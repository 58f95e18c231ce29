-- The stamp of a cell, which is the new one where there was none; '' where the cell is marked.
local function note(key, now, new, time_to_live)
  local head = redis.pcall('GETRANGE', key, 0, 16)
  local state = type(head) == 'string' and #head == 17 and head:sub(1, 1)
  if state == 'S' or state == 'V' then
    -- An entry keeps its own time.
    if state == 'S' and redis.call('PTTL', key) < time_to_live / 2 then redis.call('PEXPIRE', key, time_to_live) end
    return head:sub(2)
  end
  local marks, stamps = read(key, now)
  if marks ~= '' then return '' end
  if stamps == '' then stamps = new end
  write(key, marks, stamps, nil, nil, now, time_to_live)
  return stamps:sub(1, 16)
end

