--! head unit ring bell job records
-- All of one job that is asked for; nothing where there is no such job.

local place = place_of(given.job)
local packed = place and hget('jobs', place)
if not packed then
  return false
end
local wanted = {}

function wanted.record()
  return {tell({}, {place}), call('LRANGE', base .. 'attempts:' .. place, 0, -1)}
end

function wanted.args()
  return {packed, hget('args', place)}
end

function wanted.result()
  return {hget('results', place)}
end

function wanted.output()
  return call('LRANGE', base .. 'output:' .. place, given.after, given.after + given.limit - 1)
end

return wanted[given.what]()
