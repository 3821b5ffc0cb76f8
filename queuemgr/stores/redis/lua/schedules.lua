--! head unit
-- All schedules: name, definition, next and last firing.

local told = {}
local all = call('HGETALL', base .. 'schedules')
for n = 1, #all, 2 do
  local at = #told
  told[at + 1], told[at + 2] = all[n], (unpacked(all[n + 1]) or {})[2] or false
  told[at + 3] = call('ZSCORE', base .. 'firings', all[n])
  told[at + 4] = hget('fired', all[n])
end
return told
