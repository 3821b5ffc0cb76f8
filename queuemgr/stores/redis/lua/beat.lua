--! head fence unit life ring bell job unique endings reclaim
-- Renews all leases of a worker; tells which of its jobs somebody wants cancelled. Nothing happens where another process
-- bears its name by now.

if call('ZSCORE', base .. 'beats', given.worker) then
  if replaced() then
    return {exact(now)}
  end
  zset('beats', given.worker, now)
  if given.mood then
    hset('moods', given.worker, given.mood)
  end
elseif given.info then
  arrive(given.worker, given.info, given.mood or 'running', now)
end
finish()
local wanted = {exact(now)}
local wishes = call('HGETALL', base .. 'wishes')
for n = 1, #wishes, 2 do
  if wishes[n + 1] == given.worker then
    wanted[#wanted + 1] = id_of(wishes[n])
  end
end
return wanted
