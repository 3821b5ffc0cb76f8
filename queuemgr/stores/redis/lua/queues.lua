--! head unit ring bell job
-- Each queue that has jobs, is paused or has a limit: its name, whether it is paused, jobs by state, the oldest ready
-- one, its limit.

local function oldest(queue)
  local first
  for digit = 0, 9 do
    local member = call('ZRANGEBYLEX', base .. 'ready:' .. queue, '[' .. digit, '+', 'LIMIT', 0, 1)[1]
    if member and string.sub(member, 1, 1) == tostring(digit) then
      local created = (job_of(string.sub(member, 2)) or UNREADABLE)[CREATED]
      first = first and created and math.min(first, created) or first or created
    end
  end
  return exact(first) or false
end

local names, told = {}, {}
for _, key in ipairs({'queues', 'paused', 'limits'}) do
  for _, name in ipairs(call('HKEYS', base .. key)) do
    names[name] = true
  end
end
for name in pairs(names) do
  local counts, all = {}, 0
  for state, word in pairs(WORD) do
    local number = call('ZCARD', base .. word .. ':' .. name)
    if state == READY then
      number = number + call('ZCARD', base .. 'suspects:' .. name)
    end
    counts[state + 1] = number
    all = all + number
  end
  local paused, limit = hget('paused', name), hget('limits', name)
  if all > 0 or paused or limit then
    told[#told + 1] = {name, paused and 1 or 0, counts, oldest(name), limit}
  end
end
return told
