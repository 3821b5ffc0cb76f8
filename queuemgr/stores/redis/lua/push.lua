--! unit bell
-- Accepts plain jobs, as nearly all are: ready at once, without a unique key, tags, large arguments or an id of their own.

-- one job, as `accept` knows it too
local PLACE, BODY, AT_QUEUE, AT_DIGIT = 2, 3, 4, 5

local places = {}
for n, one in ipairs(given.jobs) do
  places[n] = one[PLACE]
end
local there = hmget('jobs', places)
for n, one in ipairs(given.jobs) do
  local place, queue = places[n], one[AT_QUEUE]
  if not there[place] then
    there[place] = true
    hset('jobs', place, one[BODY])
    hset('queues', queue, 1)
    zset('ready:' .. queue, one[AT_DIGIT] .. place, 0)
    ready(queue)
  end
end
finish()
return {'all'}
