--! head fence unit ring bell job unique endings
-- Forgets finished jobs whose lifetime is over, and keys whose time is over; how many jobs.

local over_by = exact(now)
local gone = forget_all(call('ZRANGEBYSCORE', base .. 'ends', '-inf', over_by, 'LIMIT', 0, given.limit))
for _, key in ipairs(call('ZRANGEBYSCORE', base .. 'windows', '-inf', over_by, 'LIMIT', 0, 1000)) do
  hset('unique', key, false)
  zset('windows', key, false)
end
for _, key in ipairs(call('ZRANGEBYSCORE', base .. 'expiring', '-inf', over_by, 'LIMIT', 0, 1000)) do
  hset('keys', key, false)
  zset('expiring', key, false)
end
finish()
return gone
