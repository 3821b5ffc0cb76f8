--! head fence unit life ring bell job unique endings promote choose
-- Leases due jobs to a worker, by priority, then age.

local worker = given.worker

local function keep_known()
  local score = call('ZSCORE', base .. 'beats', worker)
  local beat = score and tonumber(score)
  if beat and (now < beat or now - beat >= given.fresh) then
    zset('beats', worker, now)
  end
  return beat
end

-- What this very claim leased, if its answer was lost.
local function leased_before()
  local places = {}
  local leases = given.again and call('HGETALL', base .. 'leases:' .. worker) or {}
  for n = 1, #leases, 2 do
    local run = leases[n + 1] == given.number and run_of(leases[n])
    if run and run[STATE] == RUNNING then
      places[#places + 1] = leases[n]
    end
  end
  return places
end

-- By priority, then age: what comes from one index only is in that order already.
local function in_order(places)
  local ranks = {}
  for _, place in ipairs(places) do
    ranks[place] = run_of(place)[DIGIT] .. place
  end
  table.sort(places, function(one, other)
    return ranks[one] < ranks[other]
  end)
end

-- False where it turned out to be damaged.
local function lease(one)
  local place = one[1]
  if one[4] then
    -- A damaged job could not tell its entry any more.
    zset('unknown:' .. one[2], one[4], false)
  end
  local run = one[3] and not packed_runs[place] and new_run(one[2], one[3]) or run_of(place)
  if not run or run[STATE] >= SUCCEEDED then
    return false
  end
  leave(place, run)
  run[STATE], run[ATTEMPT], run[WORKER], run[STARTED] = RUNNING, run[ATTEMPT] + 1, worker, now
  run[PROGRESS], run[NOTE] = false, false
  stand(place, run, '0')
  hset('runs', place, pack(run))
  hset('leases:' .. worker, place, given.number)
  became[place] = run
  return true
end

local function lease_chosen()
  local leased = {}
  for _, one in ipairs(chosen) do
    leased[#leased + 1] = lease(one) and one[1] or nil
  end
  return leased
end

-- Who waits for work stands in line from the moment in which there was none; who is full hands on what is left.
local function line_up(open)
  local resting = given.channel and room > 0 and given.limit > 0
  for _, wish in ipairs(open) do
    if given.channel then
      zset('idle:' .. wish[1], given.channel, resting and now)
    end
    if room == 0 and call('ZCARD', base .. 'ready:' .. wish[1]) > (passed[wish[1]] or 0) then
      ready(wish[1])
    end
  end
  return resting and 1 or 0
end

local function answer(places, resting)
  local large = #places > 0 and call('EXISTS', base .. 'args') == 1 and hmget('args', places) or {}
  local started = #places > 0 and run_of(places[1])[STARTED] or now
  local told = {'leased', exact(now), exact(started), next_due(), resting}
  for _, place in ipairs(places) do
    local run, at = run_of(place), #told
    told[at + 1], told[at + 2], told[at + 3] = place, packed_jobs[place], large[place] or false
    told[at + 4], told[at + 5], told[at + 6] = run[ATTEMPT], run[FAILURES], run[CRASHES]
  end
  return told
end

if given.life then
  if not keep_known() then
    -- It was taken for dead: what it leases must have an owner whose death is noticed.
    return {'unknown'}
  elseif replaced() then
    -- The claim of a dead process may come late: nobody would hear of what it leases to its successor.
    return {'another'}
  end
end
local open, suspects
open, suspects, parked = open_queues()
if parked and not given.tasks then
  return {'tasks'}
end
if promote() then
  open, suspects = open_queues()
end
local places = leased_before()
if #places == 0 then
  choose(open, suspects)
end
for n, one in ipairs(chosen) do
  places[n] = one[1]
end
fetch(places)
if #chosen > 0 then
  places = lease_chosen()
end
if #open > 1 or suspects or parked or given.again then
  in_order(places)
end
local resting = line_up(open)
finish()
return answer(places, resting)
