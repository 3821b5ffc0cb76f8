--! head fence ring
-- Accepts plain jobs, as nearly all are: ready at once, without a unique key, tags, large arguments or an id of one's
-- own. It does so without the common parts, because there is a producer who waits for it.

-- one job, as `accept` knows it too
local PLACE, BODY, AT_QUEUE, AT_DIGIT = 2, 3, 4, 5

local places = {}
for n, one in ipairs(given.jobs) do
  places[n] = one[PLACE]
end
local there, bodies, members = hmget('jobs', places), {}, {}
for n, one in ipairs(given.jobs) do
  local place, queue = places[n], one[AT_QUEUE]
  if not there[place] then
    there[place] = true
    bodies[#bodies + 1] = place
    bodies[#bodies + 1] = one[BODY]
    local of_queue = members[queue]
    if not of_queue then
      of_queue = {}
      members[queue] = of_queue
    end
    of_queue[#of_queue + 1] = '0'
    of_queue[#of_queue + 1] = one[AT_DIGIT] .. place
  end
end
send('HSET', 'jobs', bodies)
for queue, of_queue in pairs(members) do
  call('HSETNX', base .. 'queues', queue, 1)
  send('ZADD', 'ready:' .. queue, of_queue)
  ring(queue, #of_queue / 2, 'work')
end
return {'all'}
