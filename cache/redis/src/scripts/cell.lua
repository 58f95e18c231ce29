-- Cells of tags. One cell is one string:
--
--   (absent)                                       nothing stored depends on the tag
--   S stamp stamp*                                 the stamp, then those before it, newest first; each was replaced by a
--                                                  change that is in the log under the stamp that replaced it
--   V stamp entry                                  of a row: the stamp, and the row's entry, which was stored under it
--   Q nnnn first last (token expiry){n} stamp*     marked by n writers until their expiries (server's clock, ms, 16
--                                                  digits), none before `first` and none after `last`; the stamps are
--                                                  those the tag may get back
--
-- Stamps and tokens have 16 bytes. Whatever does not look like this is taken for absent.
--
-- A tag of a table that everybody writes to has many marks at a time. They are handled as the string that they are, which
-- is taken apart and put together once for all that a script does to it.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A time as it is written: later times are greater strings.
local function written(time)
  return string.format('%016.0f', time)
end

-- Where the mark of a token is among marks.
local function place(marks, token)
  local at = marks:find(token, 1, true)
  while at and at % 32 ~= 1 do at = marks:find(token, at + 1, true) end
  return at
end

-- The marks without those at these places.
local function without(marks, places)
  table.sort(places)
  local left, from = {}, 1
  for i, at in ipairs(places) do
    left[i] = marks:sub(from, at - 1)
    from = at + 32
  end
  left[#left + 1] = marks:sub(from)
  return table.concat(left)
end

-- The marks that have not lapsed, whether one has, and the first and the last expiry of those that have not.
local function live(marks, now)
  local left, lapsed, first, last = {}, false, nil, nil
  now = written(now)
  for at = 1, #marks, 32 do
    local expiry = marks:sub(at + 16, at + 31)
    if expiry:match('^%d+$') and expiry > now then
      left[#left + 1] = marks:sub(at, at + 31)
      if not first or expiry < first then first = expiry end
      if not last or expiry > last then last = expiry end
    else
      lapsed = true
    end
  end
  return table.concat(left), lapsed, first, last
end

-- The marks that have not lapsed, the stamps, and between which times the marks lapse. A mark that lapsed takes the
-- stamps along: nobody knows what its writer did.
local function read(key, now)
  -- Enough for all but a cell that many write at once; the entry of a row need not be read.
  local cell = redis.pcall('GETRANGE', key, 0, 2047)
  if type(cell) ~= 'string' then
    -- Not a string: nothing of ours.
    redis.call('DEL', key)
    return '', ''
  end
  local state = cell:sub(1, 1)
  if state == 'V' and #cell >= 17 then return '', cell:sub(2, 17) end
  if state ~= 'S' and state ~= 'Q' then return '', '' end
  if #cell == 2048 then cell = redis.call('GET', key) end
  if state == 'S' then
    if #cell % 16 ~= 1 then return '', '' end
    return '', cell:sub(2)
  end
  local count, head = tonumber(cell:sub(2, 5)), 37
  if not count or #cell < head + count * 32 or (#cell - head) % 16 ~= 0 then return '', '' end
  local marks, stamps = cell:sub(head + 1, head + count * 32), cell:sub(head + 1 + count * 32)
  local first, last, lapsed = cell:sub(6, 21), cell:sub(22, 37), nil
  if not (first > written(now)) then
    marks, lapsed, first, last = live(marks, now)
    if lapsed then stamps = '' end
  end
  return marks, stamps, first, last
end

-- Drops the entry in the cell, if there is one.
local function write(key, marks, stamps, first, last, now, time_to_live)
  if marks == '' then
    if stamps == '' then
      redis.call('DEL', key)
    else
      redis.call('SET', key, 'S' .. stamps, 'PX', time_to_live)
    end
    return
  end
  local cell = string.format('Q%04d', #marks / 32) .. first .. last .. marks .. stamps
  redis.call('SET', key, cell, 'PX', string.format('%.0f', last - now))
end

