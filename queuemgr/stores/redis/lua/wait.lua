--! head fence unit ring bell job
-- Whether there is work: 0, or the next moment at which there may be some. Who finds none stands in line.

local names = {}
local paused, rooms = hmget('paused', given.queues), rooms_of(given.queues)
for _, queue in ipairs(given.queues) do
  if not paused[queue] and (rooms[queue] or 1) > 0 then
    names[#names + 1] = base .. 'ready:' .. queue
  end
  zset('idle:' .. queue, given.channel, now)
end
if #names > 0 and call('EXISTS', unpack(names)) > 0 then
  return {exact(now), '0'}
end
finish()
local first, firing = head('due'), head('firings')
return {exact(now), exact(first and firing and math.min(first, firing) or first or firing) or false}
