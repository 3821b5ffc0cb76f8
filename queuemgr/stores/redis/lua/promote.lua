-- Makes scheduled jobs ready whose moment has come.

local function promote()
  local places = call('ZRANGEBYSCORE', base .. 'due', '-inf', exact(now), 'LIMIT', 0, MOST_PROMOTED)
  if #places == 0 then
    return
  end
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
end

local function next_due()
  local first, firing = head('due'), head('firings')
  return exact(first and firing and math.min(first, firing) or first or firing) or false
end
