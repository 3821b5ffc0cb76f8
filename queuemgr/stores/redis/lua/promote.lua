-- Makes scheduled jobs ready whose moment has come.

local upcoming

-- Whether there were any.
local function promote()
  upcoming = head('due')
  if not upcoming or upcoming > now then
    return false
  end
  local places = call('ZRANGEBYSCORE', base .. 'due', '-inf', exact(now), 'LIMIT', 0, MOST_PROMOTED)
  fetch(places)
  for _, place in ipairs(places) do
    local run = run_of(place)
    if run and run[STATE] == SCHEDULED then
      leave(place, run)
      run[STATE] = READY
      enter(place, run)
    else
      zset('due', place, false)
    end
  end
  -- What is ready now is read by what follows.
  commit()
  hashes, sorted = {}, {}
  upcoming = head('due')
  return true
end

local function next_due()
  local first, firing = upcoming, head('firings')
  return exact(first and firing and math.min(first, firing) or first or firing) or false
end
