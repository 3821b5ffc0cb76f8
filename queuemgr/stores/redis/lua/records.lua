-- What a record is made of: place, job, run, error, size of the result.

local function tell(told, places)
  fetch(places)
  local errors = hmget('errors', places)
  for _, place in ipairs(places) do
    if packed_jobs[place] then
      local size = call('HSTRLEN', base .. 'results', place)
      if size == 0 and call('HEXISTS', base .. 'results', place) == 0 then
        size = false
      end
      local at = #told
      told[at + 1], told[at + 2], told[at + 3] = place, packed_jobs[place], packed_runs[place]
      told[at + 4], told[at + 5] = errors[place], size
    end
  end
  return told
end
