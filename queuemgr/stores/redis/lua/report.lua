--! head fence unit ring bell job
-- Progress and output of running jobs. A stale token changes nothing.

-- one report
local PLACE, TOKEN, SHARE, WORDS, LINES, NUMBER = 1, 2, 3, 4, 5, 6

-- Reports are sent again where their answer was lost: of each job the last that was heard, and all before it, say
-- nothing twice.
local heard = {}
for n, one in ipairs(given.reports) do
  local run = run_of(one[PLACE])
  if run and run[SAID] == one[NUMBER] then
    heard[one[PLACE]] = n
  end
end
for n, one in ipairs(given.reports) do
  local place = one[PLACE]
  local run = run_of(place)
  if run and run[STATE] == RUNNING and run[ATTEMPT] == one[TOKEN] and n > (heard[place] or 0) then
    run[PROGRESS], run[NOTE] = one[SHARE] or run[PROGRESS], one[WORDS] or run[NOTE]
    run[SAID] = one[NUMBER]
    hset('runs', place, pack(run))
    for _, line in ipairs(one[LINES]) do
      later('RPUSH', 'output:' .. place, line)
    end
  end
end
finish()
