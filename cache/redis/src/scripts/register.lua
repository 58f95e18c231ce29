-- KEYS: programs. ARGV: the scopes that the writer touches, for how long others reckon with it, how long its write may
-- take (milliseconds), a new stamp, a channel, the message that the table is forgotten.
-- Notes the writer. If it is new, what others leased that it does not reach is void. Returns the scopes of all that write.
local now = clock()
local known = programs(KEYS[1], now)
local expiry = known.writers[ARGV[1]]
if not expiry then
  local unreached = known.stamp == ''
  for scopes in pairs(known.readers) do
    if scopes ~= ARGV[1] then unreached = true end
  end
  if unreached then known.stamp, known.readers = ARGV[4], {} end
  if unreached or known.doubt then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
  known.doubt = false
  -- A near cache of the writer itself does not hear its message.
  known.readers[ARGV[1]] = true
end
local own, write = tonumber(ARGV[2]), tonumber(ARGV[3])
if not expiry or expiry - now < math.max(own * 0.9, write) then
  known.writers[ARGV[1]] = now + math.max(own, write)
  save(KEYS[1], known, now)
end
local answer = {}
for scopes in pairs(known.writers) do answer[#answer + 1] = scopes end
return answer
