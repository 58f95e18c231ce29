-- Whether the cells from the second key on have the stamps that come behind so many arguments.
local function hold(behind)
  for i = 1, #ARGV - behind do
    local head = redis.pcall('GETRANGE', KEYS[i + 1], 0, 16)
    if type(head) ~= 'string' or head:sub(2) ~= ARGV[i + behind] then return false end
    local state = head:sub(1, 1)
    if state ~= 'S' and state ~= 'V' then return false end
  end
  return true
end

