-- KEYS: cells. ARGV: token; N (nothing happened), L (listed changes) or U (unlisted changes); new stamp; time to live
-- in milliseconds; how many stamps to keep. Takes the token from the marks and moves the tag. Returns from how many
-- cells the token was gone: those are void.
local now = clock()
local gone = 0
for _, key in ipairs(KEYS) do
  local marks, stamps = read(key, now)
  local others = {}
  for _, mark in ipairs(marks) do
    if mark[1] ~= ARGV[1] then others[#others + 1] = mark end
  end
  if #others == #marks then
    gone = gone + 1
    stamps = ''
  elseif ARGV[2] == 'U' then
    stamps = ''
  elseif ARGV[2] == 'L' and stamps ~= '' then
    stamps = (ARGV[3] .. stamps):sub(1, 16 * tonumber(ARGV[5]))
  end
  write(key, others, stamps, now, ARGV[4])
end
return gone
