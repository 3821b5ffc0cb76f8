-- Reserves jobs for a worker. Each is given as it stands in the list and as it stands while it is reserved.
-- KEYS: list, notify, reserved, held. ARGV: moment at which the reservations end; for each job old, new, field.
-- A new one that begins with a comma is the old one with this in the place of its last sign.
local taken, gone = {}, 0
for at = 2, #ARGV, 3 do
    local old, new, found = ARGV[at], ARGV[at + 1], 0
    if string.byte(new) == 44 then new = string.sub(old, 1, -2) .. new end
    -- The same bytes sent twice would be one member here: the second one waits for the end of the first.
    if not redis.call('zscore', KEYS[3], new) then
        found = redis.call('lrem', KEYS[1], 1, old)
    end
    taken[#taken + 1] = found
    if found == 1 then
        gone = gone + 1
        redis.call('zadd', KEYS[3], ARGV[1], new)
        redis.call('hset', KEYS[4], ARGV[at + 2], new)
    end
end
if gone > 0 then redis.call('lpop', KEYS[2], gone) end
return taken
