--! head unit ring bell job records merge
-- The next records of some indexes, or those of some jobs.

if given.jobs then
  local places = {}
  for _, reference in ipairs(given.jobs) do
    places[#places + 1] = place_of(reference) or nil
  end
  return tell({}, places)
end
return tell({}, merged(given.indexes, given.edge, given.limit))
