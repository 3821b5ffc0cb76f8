--! head unit ring bell job
-- Progress and output of running jobs. A stale token changes nothing.

-- one report
local PLACE, TOKEN, SHARE, WORDS, LINES = 1, 2, 3, 4, 5

for _, one in ipairs(given.reports) do
  local place = one[PLACE]
  local run = run_of(place)
  if run and run[STATE] == RUNNING and run[ATTEMPT] == one[TOKEN] and run[SAID] ~= given.number then
    run[PROGRESS], run[NOTE] = one[SHARE] or run[PROGRESS], one[WORDS] or run[NOTE]
    -- A report that is sent again because its answer was lost says nothing twice.
    run[SAID] = given.number
    hset('runs', place, pack(run))
    for _, line in ipairs(one[LINES]) do
      later('RPUSH', 'output:' .. place, line)
    end
  end
end
finish()
