--! head fence unit
-- Pauses or resumes a queue. Everybody hears of a queue that goes on.

hset('paused', given.queue, given.paused and '1' or false)
commit()
if not given.paused then
  call('PUBLISH', base .. 'bell', 'look')
end
