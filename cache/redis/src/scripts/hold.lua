-- Whether the cells from the second key on have the stamps from the third argument on.
local function hold()
  for i = 2, #KEYS do
    local head = redis.pcall('GETRANGE', KEYS[i], 0, 16)
    if type(head) ~= 'string' or head:sub(2) ~= ARGV[i + 1] then return false end
    local state = head:sub(1, 1)
    if state ~= 'S' and state ~= 'V' then return false end
  end
  return true
end

