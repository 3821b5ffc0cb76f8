-- Deletes jobs that do not run. KEYS: list, notify, delayed, dead, bodies, reasons.
-- ARGV: for each 'dead' and its id, or 'waiting' and its exact bytes.
local gone = 0
for at = 1, #ARGV, 2 do
    if ARGV[at] == 'dead' then
        gone = gone + redis.call('zrem', KEYS[4], ARGV[at + 1])
        redis.call('hdel', KEYS[5], ARGV[at + 1])
        redis.call('hdel', KEYS[6], ARGV[at + 1])
    elseif redis.call('lrem', KEYS[1], 1, ARGV[at + 1]) == 1 then
        redis.call('lpop', KEYS[2])
        gone = gone + 1
    else
        gone = gone + redis.call('zrem', KEYS[3], ARGV[at + 1])
    end
end
return gone
