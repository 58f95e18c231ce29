-- Cells of tags. One cell is one string:
--
--   (absent)                            nothing stored depends on the tag
--   S stamp stamp*                      the stamp, then those before it, newest first; each was replaced by a change
--                                       that is in the log under the stamp that replaced it
--   V stamp entry                       of a row: the stamp, and the row's entry, which was stored under it
--   Q nnnn (token expiry){n} stamp*     marked by n writers until their expiries (server's clock, ms, 16 digits);
--                                       the stamps are those the tag may get back
--
-- Stamps and tokens have 16 bytes. Whatever does not look like this is taken for absent.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The marks that have not lapsed, as an array of {token, expiry}, and the stamps. A mark that lapsed takes the stamps
-- along: nobody knows what its writer did.
local function read(key, now)
  -- Enough for all but a cell that many write at once; the entry of a row need not be read.
  local cell = redis.pcall('GETRANGE', key, 0, 2047)
  if type(cell) ~= 'string' then
    -- Not a string: nothing of ours.
    redis.call('DEL', key)
    return {}, ''
  end
  local state = cell:sub(1, 1)
  if state == 'V' and #cell >= 17 then return {}, cell:sub(2, 17) end
  if state ~= 'S' and state ~= 'Q' then return {}, '' end
  if #cell == 2048 then cell = redis.call('GET', key) end
  if state == 'S' then
    if #cell % 16 ~= 1 then return {}, '' end
    return {}, cell:sub(2)
  end
  local count = tonumber(cell:sub(2, 5))
  if not count or #cell < 5 + count * 32 or (#cell - 5) % 16 ~= 0 then return {}, '' end
  local marks, lapsed = {}, false
  for i = 0, count - 1 do
    local at = 6 + i * 32
    local expiry = tonumber(cell:sub(at + 16, at + 31))
    if expiry and expiry > now then
      marks[#marks + 1] = { cell:sub(at, at + 15), expiry }
    else
      lapsed = true
    end
  end
  return marks, lapsed and '' or cell:sub(6 + count * 32)
end

-- Drops the entry in the cell, if there is one.
local function write(key, marks, stamps, now, time_to_live)
  if #marks == 0 then
    if stamps == '' then
      redis.call('DEL', key)
    else
      redis.call('SET', key, 'S' .. stamps, 'PX', time_to_live)
    end
    return
  end
  local parts, latest = { string.format('Q%04d', #marks) }, 0
  for _, mark in ipairs(marks) do
    parts[#parts + 1] = mark[1] .. string.format('%016.0f', mark[2])
    if mark[2] > latest then latest = mark[2] end
  end
  parts[#parts + 1] = stamps
  redis.call('SET', key, table.concat(parts), 'PX', string.format('%.0f', latest - now))
end
