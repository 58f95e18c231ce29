-- Takes, of its own, time to live in milliseconds, and how many stamps to keep. What is to be done to a cell: (mode, token,
-- new stamp)*, where the mode is N (nothing happened), L (listed changes) or U (unlisted changes), small for the cell of a
-- shard. Takes the tokens from the marks and moves the tag. Answers how often the token was gone from the cell of a tag:
-- such a tag is void.
local now = clock()
local cell, at, answer = begin(now)
local time_to_live, kept = ARGV[at], 16 * tonumber(ARGV[at + 1])
for i = cell, #KEYS do
  local work = ARGV[at + 2 + i - cell]
  local marks, stamps, first, last = read(KEYS[i], now)
  local places = {}
  for from = 1, #work, 33 do
    local mode, found = work:sub(from, from), place(marks, work:sub(from + 1, from + 16))
    if not found then
      if mode < 'a' then answer[1] = answer[1] + 1 end
      stamps = ''
    else
      places[#places + 1] = found
      if mode == 'U' or mode == 'u' then
        stamps = ''
      elseif mode == 'L' and stamps ~= '' then
        stamps = (work:sub(from + 17, from + 32) .. stamps):sub(1, kept)
      end
    end
  end
  if #places > 0 then marks = without(marks, places) end
  write(KEYS[i], marks, stamps, first, last, now, time_to_live)
end
tell()
return answer
