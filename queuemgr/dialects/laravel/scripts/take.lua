-- Reserves jobs for a worker. Each is given as it stands in the list and as it stands while it is reserved.
-- KEYS: list, notify, reserved, held. ARGV: moment at which the reservations end; for each job old, new, field.
local taken = {}
for at = 2, #ARGV, 3 do
    local found = 0
    -- The same bytes sent twice would be one member here: the second one waits for the end of the first.
    if not redis.call('zscore', KEYS[3], ARGV[at + 1]) then
        found = redis.call('lrem', KEYS[1], 1, ARGV[at])
    end
    taken[#taken + 1] = found
    if found == 1 then
        redis.call('zadd', KEYS[3], ARGV[1], ARGV[at + 1])
        redis.call('hset', KEYS[4], ARGV[at + 2], ARGV[at + 1])
        redis.call('lpop', KEYS[2])
    end
end
return taken
