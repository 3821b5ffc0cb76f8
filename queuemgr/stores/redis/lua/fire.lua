--! head fence unit ring bell job unique endings accept
-- Enqueues a firing's jobs and moves the schedule on, if it still stands at its moment.

local at = call('ZSCORE', base .. 'firings', given.name)
local last = hget('fired', given.name)
last = last and unpacked(last)
if not at or tonumber(at) ~= given.due then
  -- Sent again, because the first answer was lost.
  return given.again and last and last[3] == given.number and 1 or 0
end
local last_job = last and last[2]
for n, answer in ipairs(accept(given.jobs, true)) do
  if not (answer and answer[1] == 'existing') then
    last_job = id_of(given.jobs[n][PLACE])
  end
end
zset('firings', given.name, given.next_at or false)
hset('fired', given.name, pack({given.due, last_job or false, given.number}))
finish()
return 1
