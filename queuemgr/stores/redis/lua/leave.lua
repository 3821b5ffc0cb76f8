--! head fence unit life ring bell job unique endings reclaim
-- A worker ends; what it still held goes back. Nothing happens where another process bears its name by now: this was
-- sent by one before it.

if replaced() then
  return
end
take_back(given.worker, given.died)
finish()
