--! head unit ring bell job unique records merge
-- Whole jobs, the oldest first: place, job, run, error, size, arguments, result, whether and until when the unique key
-- is held, history, output. A page ends early when it is heavy.

local places, told, weight = merged(given.indexes, given.edge, given.limit), {}, 0
for n, place in ipairs(places) do
  local attempts = call('LRANGE', base .. 'attempts:' .. place, 0, -1)
  local output = call('LRANGE', base .. 'output:' .. place, 0, -1)
  local one = tell({}, {place})
  one[6], one[7] = hget('args', place), hget('results', place)
  for _, value in ipairs({one[2], one[6] or '', one[7] or '', unpack(output)}) do
    weight = weight + #value
  end
  if n > 1 and weight > given.heavy then
    return told
  end
  local job = job_of(place)
  local held = job and job[UNIQUE] and holder_of(job[UNIQUE])
  held = held and held[HOLDER] == place and held
  one[8], one[9] = held and not held[OVER] and 1 or 0, held and held[UNTIL] and exact(held[UNTIL]) or false
  one[10], one[11] = attempts, output
  told[n] = one
end
return told
