-- Fill leases: which client reads the database for an entry, so that others wait for it. One is one string, which
-- Redis drops when its time is over:
--
--   lease (16) client (16) stamps that were noted for it
--
-- Nothing but effort depends on it: whether an entry may be stored is for its stamps to say.

-- Whether what is in the key is an entry with stamps that are all among those noted, and the beginning of the client
-- that filled it. entry.rs says how it looks.
local function stands(entry, noted)
  local at = entry:sub(1, 1) == 'V' and 17 or 0
  local known = {}
  for _, stamp in ipairs(noted) do known[stamp] = true end
  local low, high = entry:byte(at + 3, at + 4)
  if not high or #entry < at + 52 or entry:sub(at + 37, at + 52) ~= noted[1] then return false end
  for i = 0, low + 256 * high - 1 do
    if not known[entry:sub(at + 61 + 24 * i, at + 76 + 24 * i)] then return false end
  end
  return true, entry:sub(at + 29, at + 36)
end

-- Returns the lease and client that are at it ('' if these now are, or need not), and the entry if it stands and these
-- are not at it. With `again` the entry is to be read again although it stands; so is one that the client itself
-- filled: whoever asks for a lease there knows it.
local function claim(fill, key, lease, client, duration, again, noted)
  local entry, is, by = redis.pcall('GET', key), false, ''
  if type(entry) == 'string' then is, by = stands(entry, noted) end
  if not is then entry = '' end
  if entry ~= '' and again == '' and by ~= client:sub(1, 8) then return '', entry end
  local own = client .. table.concat(noted)
  local held = redis.pcall('GET', fill)
  -- One with other stamps can't be stored any more, or is of a program that names other tags.
  if type(held) == 'string' and held:sub(33) == own:sub(17) then return held:sub(1, 32), entry end
  redis.call('SET', fill, lease .. own, 'PX', duration)
  return '', ''
end

-- Ends the lease if it is still this one.
local function unclaim(fill, lease)
  if redis.pcall('GETRANGE', fill, 0, 15) == lease then redis.call('DEL', fill) end
end

