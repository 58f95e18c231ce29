-- KEYS: holders. ARGV: a holder, its bound in milliseconds.
-- Notes that the holder's gate may be open for so long from now. It is a write, so that a primary that has lost its
-- replicas (min-replicas-to-write) opens no gate.
local now = clock()
local _, bound = holders(KEYS[1], now)
if tonumber(ARGV[2]) > bound then redis.call('HSET', KEYS[1], 'bound', ARGV[2]) end
-- A millisecond more, because the clock shows whole ones.
local is_new = redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[2] + 1)) == 1
if is_new then sweep(KEYS[1], now) end
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(DAY, 2 * tonumber(ARGV[2]))))
return 1
