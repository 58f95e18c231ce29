-- What is to be done to a cell: (token, duration in milliseconds of 16 digits)*. Adds the tokens to the marks. A token that
-- is there is prolonged, never shortened.
local now = clock()
local cell, at, answer = begin(now)
local expiries = setmetatable({}, { __index = function(known, duration)
  known[duration] = written(now + duration)
  return known[duration]
end })
for i = cell, #KEYS do
  local work = ARGV[at + i - cell]
  local marks, stamps, first, last = read(KEYS[i], now)
  local new = { marks }
  for from = 1, #work, 32 do
    local token, expiry = work:sub(from, from + 15), expiries[work:sub(from + 16, from + 31)]
    local found = place(new[1], token)
    if not found then
      new[#new + 1] = token
      new[#new + 1] = expiry
    elseif new[1]:sub(found + 16, found + 31) < expiry then
      new[1] = new[1]:sub(1, found + 15) .. expiry .. new[1]:sub(found + 32)
    end
    if not first or expiry < first then first = expiry end
    if not last or expiry > last then last = expiry end
  end
  if #marks + 16 * (#new - 1) > 32 * 9999 then return redis.error_reply('ERR a tag has 9999 writers at once') end
  write(KEYS[i], table.concat(new), stamps, first, last, now)
end
tell()
return answer
