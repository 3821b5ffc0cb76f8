-- Puts jobs that wait among the dead. KEYS: list, notify, delayed, dead, bodies, reasons.
-- ARGV: now; for each job its exact bytes, its id, the bytes to keep, and the reason.
local buried = 0
for at = 2, #ARGV, 4 do
    local found = redis.call('lrem', KEYS[1], 1, ARGV[at])
    if found == 1 then
        redis.call('lpop', KEYS[2])
    else
        found = redis.call('zrem', KEYS[3], ARGV[at])
    end
    if found == 1 then
        buried = buried + 1
        redis.call('hset', KEYS[5], ARGV[at + 1], ARGV[at + 2])
        redis.call('hset', KEYS[6], ARGV[at + 1], ARGV[at + 3])
        redis.call('zadd', KEYS[4], ARGV[1], ARGV[at + 1])
    end
end
return buried
