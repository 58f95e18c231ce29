-- KEYS: programs. ARGV: whether what is to be read depends on scopes ('' or 1), a new stamp, the scopes that the program
-- touches, more than one where it has several models of the table.
-- Returns the stamp for what depends on scopes, '' where a program writes that touches others; then the scopes of all
-- that write.
local now = clock()
local known = programs(KEYS[1], now)
local answer, alone = { '' }, true
for scopes in pairs(known.writers) do
  answer[#answer + 1] = scopes
  for i = 3, #ARGV do
    if ARGV[i] ~= scopes then alone = false end
  end
end
if ARGV[1] == '' or not alone then return answer end
-- That a writer is gone is written down before it is relied on.
local changed = known.swept
if known.stamp == '' then
  known.stamp, changed = ARGV[2], true
end
for i = 3, #ARGV do
  if not known.readers[ARGV[i]] then
    known.readers[ARGV[i]], changed = true, true
  end
end
if changed or redis.call('PTTL', KEYS[1]) < DAY / 2 then save(KEYS[1], known, now) end
answer[1] = known.stamp
return answer
