-- KEYS: holders. ARGV: the client that asks (its own are left out), a channel, a message.
-- Sends the message if anybody else holds anything. Returns the age of the hash in milliseconds, the longest bound, and
-- {holder, milliseconds left} of each.
local now = clock()
local since, bound = holders(KEYS[1], now)
local answer = { string.format('%.0f', now - since), string.format('%.0f', bound) }
for _, open in ipairs(sweep(KEYS[1], now)) do
  if open[1]:sub(1, 16) ~= ARGV[1] then
    answer[#answer + 1] = { open[1], string.format('%.0f', open[2]) }
  end
end
if redis.call('PTTL', KEYS[1]) < DAY / 2 then redis.call('PEXPIRE', KEYS[1], string.format('%.0f', DAY)) end
if #answer > 2 then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return answer
