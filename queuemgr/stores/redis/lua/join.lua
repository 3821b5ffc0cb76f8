--! head fence unit ring bell job unique endings reclaim
-- A worker begins. What one of the same name held that was another process goes back first.

local before, told = hget('workers', given.worker), unpacked(given.info)
if before then
  before = unpacked(before)
  if before[HOST] ~= told[HOST] or before[PID] ~= told[PID] or before[BIRTH] ~= told[BIRTH] then
    bury(given.worker)
  end
end
arrive(given.worker, given.info, given.mood, given.beat_at)
finish()
return exact(now)
