--! head fence unit
-- Removes a schedule; whether it was there.

local there = hget('schedules', given.name)
hset('schedules', given.name, false)
hset('fired', given.name, false)
zset('firings', given.name, false)
commit()
return there and 1 or 0
