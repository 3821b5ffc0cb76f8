-- Renews all reservations of a worker in one queue; answers which of its jobs somebody wants stopped.
-- KEYS: reserved, held, cancel. ARGV: moment at which they end.
local held = redis.call('hgetall', KEYS[2])
local wanted = redis.call('scard', KEYS[3]) > 0
local stop = {}
for at = 1, #held, 2 do
    if redis.call('zscore', KEYS[1], held[at + 1]) then
        redis.call('zadd', KEYS[1], ARGV[1], held[at + 1])
        local id = string.match(held[at], '^%d+ (.*)$')
        if wanted and redis.call('sismember', KEYS[3], id) == 1 then
            stop[#stop + 1] = id
        end
    else
        redis.call('hdel', KEYS[2], held[at])
    end
end
return stop
