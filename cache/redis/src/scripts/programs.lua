-- The programs that use a table: one string, which begins as the cell of a row does, so that lists can depend on its
-- stamp:
--
--   V stamp doubt (scopes (8) r 0000000000000000 | scopes (8) w expiry)*
--
--   doubt   ? where near caches may hold lists that were leased before the string was made, else .
--   r       a program that touches these scopes leased lists that depend on scopes under the stamp, or may hold such
--   w       a program that touches these scopes writes; others reckon with it until then (server's clock, ms, 16 digits)
--
-- Whatever does not look like this is taken for absent; so is a writer whose time is over, for good: if it writes again,
-- it is new.

local DAY = 86400000

local function programs(key, now)
  local known = { stamp = '', doubt = true, readers = {}, writers = {}, swept = false }
  local cell = redis.pcall('GET', key)
  if type(cell) ~= 'string' or cell:sub(1, 1) ~= 'V' or #cell % 25 ~= 18 then return known end
  known.stamp, known.doubt = cell:sub(2, 17), cell:sub(18, 18) ~= '.'
  for at = 19, #cell, 25 do
    local scopes, kind, expiry = cell:sub(at, at + 7), cell:sub(at + 8, at + 8), tonumber(cell:sub(at + 9, at + 24))
    if kind == 'r' then
      known.readers[scopes] = true
    elseif expiry and expiry > now then
      known.writers[scopes] = expiry
    else
      known.swept = true
    end
  end
  return known
end

-- Writes the string, and has it live for a day from now, or for as long as a writer is reckoned with.
local function save(key, known, now)
  local parts, longest = { 'V', known.stamp, known.doubt and '?' or '.' }, DAY
  for scopes in pairs(known.readers) do parts[#parts + 1] = scopes .. 'r0000000000000000' end
  for scopes, expiry in pairs(known.writers) do
    parts[#parts + 1] = scopes .. 'w' .. string.format('%016.0f', expiry)
    longest = math.max(longest, expiry - now)
  end
  redis.call('SET', key, table.concat(parts), 'PX', string.format('%.0f', longest))
end

