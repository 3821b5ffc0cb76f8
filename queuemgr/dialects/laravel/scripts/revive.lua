-- Sends a job back to its queue, once. KEYS: list, notify, dead, bodies, reasons, delayed.
-- ARGV: id, the bytes as they are kept, the new bytes, '' or 'delayed': where it waits for its moment now.
local there
if ARGV[4] == 'delayed' then
    there = redis.call('zrem', KEYS[6], ARGV[2])
else
    there = redis.call('zrem', KEYS[3], ARGV[1])
    redis.call('hdel', KEYS[4], ARGV[1])
    redis.call('hdel', KEYS[5], ARGV[1])
end
if there == 1 then
    redis.call('rpush', KEYS[1], ARGV[3])
    redis.call('rpush', KEYS[2], 1)
end
return there
