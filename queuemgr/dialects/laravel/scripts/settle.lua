-- Ends a reservation. 0 where it is not there any more: then nothing else is changed.
-- KEYS: list, notify, delayed, reserved, held, cancel, dead, bodies, reasons; then the lock, or the list again.
-- A job that somebody wants stopped does not run again, whatever its run said.
-- ARGV: field, reserved bytes, id, what becomes of it, moment, new bytes, reason, the lock's owner, now,
-- then the next job of its chain, if any: moment or '', payload. Its list, notify and delayed are the last three keys.
local was = redis.call('zrem', KEYS[4], ARGV[2])
redis.call('hdel', KEYS[5], ARGV[1])
if was == 0 then return 0 end
local what, moment = ARGV[4], ARGV[5]
if redis.call('srem', KEYS[6], ARGV[3]) == 1 and (what == 'front' or what == 'back' or what == 'delayed') then
    what, moment = 'dead', ARGV[9]
end
if what == 'front' then
    redis.call('lpush', KEYS[1], ARGV[6])
    redis.call('rpush', KEYS[2], 1)
elseif what == 'back' then
    redis.call('rpush', KEYS[1], ARGV[6])
    redis.call('rpush', KEYS[2], 1)
elseif what == 'delayed' then
    redis.call('zadd', KEYS[3], moment, ARGV[6])
elseif what == 'dead' then
    redis.call('hset', KEYS[8], ARGV[3], ARGV[6])
    redis.call('hset', KEYS[9], ARGV[3], ARGV[7])
    redis.call('zadd', KEYS[7], moment, ARGV[3])
end
if (what == 'done' or what == 'dead') and #KEYS >= 10 and (ARGV[8] == '' or redis.call('get', KEYS[10]) == ARGV[8]) then
    redis.call('del', KEYS[10])
end
if ARGV[11] then
    if ARGV[10] == '' then
        redis.call('rpush', KEYS[#KEYS - 2], ARGV[11])
        redis.call('rpush', KEYS[#KEYS - 1], 1)
    else
        redis.call('zadd', KEYS[#KEYS], ARGV[10], ARGV[11])
    end
end
return 1
