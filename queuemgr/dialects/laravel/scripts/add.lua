-- KEYS: a number. ARGV: how much more, milliseconds to live or 0, counted from when it is made.
local new = redis.call('exists', KEYS[1]) == 0
local now = redis.call('incrby', KEYS[1], ARGV[1])
if new and ARGV[2] ~= '0' then redis.call('pexpire', KEYS[1], ARGV[2]) end
return now
