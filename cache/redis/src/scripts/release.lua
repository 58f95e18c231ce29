-- KEYS: cells. ARGV: token; for each cell a letter: N (nothing happened), L (listed changes) or U (unlisted changes), small
-- for the cell of a shard; new stamp; time to live in milliseconds; how many stamps to keep. Takes the token from the
-- marks and moves the tag. Returns from how many cells of tags the token was gone: those are void.
local now = clock()
local gone = 0
for i, key in ipairs(KEYS) do
  local marks, stamps = read(key, now)
  local mode = ARGV[2]:sub(i, i)
  local others = {}
  for _, mark in ipairs(marks) do
    if mark[1] ~= ARGV[1] then others[#others + 1] = mark end
  end
  if #others == #marks then
    if mode < 'a' then gone = gone + 1 end
    stamps = ''
  elseif mode == 'U' or mode == 'u' then
    stamps = ''
  elseif mode == 'L' and stamps ~= '' then
    stamps = (ARGV[3] .. stamps):sub(1, 16 * tonumber(ARGV[5]))
  end
  write(key, others, stamps, now, ARGV[4])
end
return gone
