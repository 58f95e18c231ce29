-- What every write does besides its work on cells.
--
-- KEYS: programs of tables, logs of tables, cells. ARGV: how many programs, how many logs, the channel of near caches, how
-- many messages they get, the messages; five for each program (see `register`); for each log its time to live in
-- milliseconds, how many records it gets, and the field and the record of each; what the script itself takes; for each
-- cell what is to be done, as one string.

-- Registers and lists changes. Returns the place of the first cell, that of what the script itself takes, and the
-- script's answer, to which its number is yet to come.
local function begin(now)
  local programs, logs, at = tonumber(ARGV[1]), tonumber(ARGV[2]), 5 + ARGV[4]
  local answer = { 0 }
  for i = 1, programs do
    answer[i + 1] = register(KEYS[i], now, unpack(ARGV, at, at + 4))
    at = at + 5
  end
  for i = programs + 1, programs + logs do
    local count = tonumber(ARGV[at + 1])
    redis.call('HSET', KEYS[i], unpack(ARGV, at + 2, at + 1 + 2 * count))
    redis.call('PEXPIRE', KEYS[i], ARGV[at])
    at = at + 2 + 2 * count
  end
  return programs + logs + 1, at, answer
end

local function tell()
  for i = 5, 4 + ARGV[4] do redis.call('PUBLISH', ARGV[3], ARGV[i]) end
end

