--! head fence unit ring bell job unique endings reclaim
-- Takes the jobs of workers back that were silent for too long on other hosts. Tells those on the host that asks, whose
-- lives only the kernel there knows.

-- A beat from the future was made before the clock was put back: the lease counts from now.
for _, worker in ipairs(call('ZRANGEBYSCORE', base .. 'beats', '(' .. exact(now), '+inf')) do
  zset('beats', worker, now)
end
for _, worker in ipairs(call('ZRANGEBYSCORE', base .. 'beats', '-inf', '(' .. exact(now - given.lease))) do
  local info = hget('workers', worker)
  info = info and unpacked(info)
  if not info or info[HOST] ~= given.host then
    bury(worker)
  end
end
finish()
return call('HGETALL', base .. 'host:' .. given.host)
