--! head fence unit ring bell job unique endings accept
-- Takes over whole jobs. Those that are here already are left alone.

-- what a whole job has beside that which is accepted
local RUN, ENDED_WITH, VALUE, HOLDS, HELD_UNTIL, PAST, SAYS = 14, 15, 16, 17, 18, 19, 20

local there, taken_over = known(given.jobs), 0
for _, one in ipairs(given.jobs) do
  local place = one[PLACE]
  if not there[one[REF]] then
    there[one[REF]] = true
    taken_over = taken_over + 1
    one[ON_HOLD] = true
    write(one)
    leave(place, became[place])
    enter(place, one[RUN])
    hset('errors', place, one[ENDED_WITH] or nil)
    hset('results', place, one[VALUE] or nil)
    if one[HOLDS] and not taken(one[KEY]) then
      take_unique(one[KEY], place, one[HELD_UNTIL])
      if one[RUN][STATE] >= SUCCEEDED then
        free_unique(one[KEY], place, now)
      end
    end
    for _, attempt in ipairs(one[PAST]) do
      later('RPUSH', 'attempts:' .. place, attempt)
    end
    for _, line in ipairs(one[SAYS]) do
      later('RPUSH', 'output:' .. place, line)
    end
  end
end
finish()
return taken_over
