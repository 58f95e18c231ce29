-- The near caches that get the messages of a node: a hash.
--
--   <client (16)> <stream (8)>   until when the stream's gate may be open (server's clock, ms)
--   since                        when the hash was made: who had a gate before and has none here is not known
--   bound                        the longest time for which any of them has asked

local DAY = 86400000

-- The hash as {since, bound}, made if it isn't there.
local function holders(key, now)
  local known = redis.pcall('HMGET', key, 'since', 'bound')
  if known.err then
    -- Not a hash: nothing of ours.
    redis.call('DEL', key)
    known = {}
  end
  local since, bound = tonumber(known[1] or ''), tonumber(known[2] or '')
  if not since or since > now then
    since = now
    redis.call('HSET', key, 'since', string.format('%.0f', now))
  end
  return since, bound or 0
end

-- Takes away those whose time is over, and returns the others as {holder, milliseconds left}.
local function sweep(key, now)
  local all, open = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do
    if #all[i] == 24 then
      local left = (tonumber(all[i + 1]) or 0) - now
      if left > 0 then
        open[#open + 1] = { all[i], left }
      else
        redis.call('HDEL', key, all[i])
      end
    end
  end
  return open
end

