-- Sends one job. KEYS: list, notify. ARGV: payload.
redis.call('rpush', KEYS[1], ARGV[1])
redis.call('rpush', KEYS[2], 1)
return 1
