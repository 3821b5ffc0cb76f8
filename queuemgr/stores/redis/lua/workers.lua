--! head unit
-- All workers: what they said when they joined, their last beat, their state.

local told = {exact(now)}
local all = call('HGETALL', base .. 'workers')
for n = 1, #all, 2 do
  local at = #told
  told[at + 1] = all[n + 1]
  told[at + 2] = call('ZSCORE', base .. 'beats', all[n])
  told[at + 3] = hget('moods', all[n])
end
return told
