--! head fence unit ring bell job unique endings reclaim
-- A worker ends; what it still held goes back. Nothing happens where another process bears its name by now: this was
-- sent by one before it.

if given.life and hget('host:' .. given.life[1], given.worker) ~= given.life[2] then
  return
end
take_back(given.worker, given.died)
finish()
