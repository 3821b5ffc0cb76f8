-- Sends a job back, once, from a list that an older program kept. KEYS: that list, list, notify.
-- ARGV: its exact bytes there, the payload.
if redis.call('lrem', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('rpush', KEYS[2], ARGV[2])
redis.call('rpush', KEYS[3], 1)
return 1
