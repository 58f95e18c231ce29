-- Notes a writer. If it is new, what others leased that it does not reach is void. `scopes` are those that it touches,
-- `own` says for how long others reckon with it, `write` how long its write may take (milliseconds); then a new stamp,
-- and the message that the table is forgotten. Returns the scopes of all that write.
local function register(key, now, scopes, own, write, stamp, message)
  local known = programs(key, now)
  local expiry = known.writers[scopes]
  if not expiry then
    local unreached = known.stamp == ''
    for reader in pairs(known.readers) do
      if reader ~= scopes then unreached = true end
    end
    if unreached then known.stamp, known.readers = stamp, {} end
    if unreached or known.doubt then redis.call('PUBLISH', ARGV[3], message) end
    known.doubt = false
    -- A near cache of the writer itself does not hear its message.
    known.readers[scopes] = true
  end
  local time, least = tonumber(own), tonumber(write)
  if not expiry or expiry - now < math.max(time * 0.9, least) then
    known.writers[scopes] = now + math.max(time, least)
    save(key, known, now)
  end
  local answer = {}
  for writer in pairs(known.writers) do answer[#answer + 1] = writer end
  return answer
end

