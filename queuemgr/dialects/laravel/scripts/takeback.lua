-- Gives back what a dead worker had reserved, as it stands: the reservation counts the crash. A job that somebody
-- wanted stopped goes to the dead. KEYS: list, notify, reserved, held, cancel, dead, bodies, reasons. ARGV: now, reason.
local held = redis.call('hgetall', KEYS[4])
local back = 0
for at = 1, #held, 2 do
    if redis.call('zrem', KEYS[3], held[at + 1]) == 1 then
        local id = string.match(held[at], '^%d+ (.*)$')
        back = back + 1
        if redis.call('srem', KEYS[5], id) == 1 then
            redis.call('hset', KEYS[7], id, held[at + 1])
            redis.call('hset', KEYS[8], id, ARGV[2])
            redis.call('zadd', KEYS[6], ARGV[1], id)
        else
            redis.call('rpush', KEYS[1], held[at + 1])
            redis.call('rpush', KEYS[2], 1)
        end
    end
end
redis.call('del', KEYS[4])
return back
