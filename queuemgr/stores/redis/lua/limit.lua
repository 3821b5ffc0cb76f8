--! head fence unit
-- Limits how many jobs of a queue run at once, or takes the limit away. Everybody hears of it.

hset('limits', given.queue, given.running)
commit()
call('PUBLISH', base .. 'bell', 'look')
