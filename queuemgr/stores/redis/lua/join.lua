--! head fence unit ring bell job unique endings reclaim
-- A worker begins. Where another process bears its name, that one is told, and nothing happens unless the worker says
-- that it comes `instead` of just that one: then what that one held goes back first.

local before, told = hget('workers', given.worker), unpacked(given.info)
if before then
  local bearer = unpacked(before) or {}
  if bearer[HOST] ~= told[HOST] or bearer[PID] ~= told[PID] or bearer[BIRTH] ~= told[BIRTH] then
    if before ~= given.instead then
      return {exact(now), before}
    end
    bury(given.worker)
  end
end
arrive(given.worker, given.info, given.mood, given.beat_at)
finish()
return {exact(now)}
