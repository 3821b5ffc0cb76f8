-- KEYS: a value. ARGV: what it must be to be removed.
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])
