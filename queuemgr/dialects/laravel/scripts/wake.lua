-- What tells a waiter that a list is not what it was. It changes nothing.
-- KEYS: list, notify, delayed, reserved.
local last = redis.call('lindex', KEYS[1], -1)
local delayed = redis.call('zrange', KEYS[3], 0, 0, 'withscores')
local reserved = redis.call('zrange', KEYS[4], 0, 0, 'withscores')
return {last and redis.sha1hex(last) or '', redis.call('llen', KEYS[2]), delayed[2] or '', reserved[2] or ''}
