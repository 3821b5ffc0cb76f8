--! head fence unit ring bell job unique endings
-- Does one thing to each of some jobs, where its state allows it; how many were changed.

-- A plain success stands only in the job; before the job runs again it moves to the history.
local function keep_success(place, run)
  local last = call('LINDEX', base .. 'attempts:' .. place, -1)
  last = last and unpacked(last)
  if run[STATE] == SUCCEEDED and not (last and last[1] == run[ATTEMPT]) then
    local worker = run[WORKER] or ''
    remember(place, pack({run[ATTEMPT], worker, run[STARTED], run[FINISHED], 'succeeded', false, false, false}))
  end
end

-- A job that is to run again needs its key again; false where another job holds it.
local function take_key(place)
  local key = (job_of(place) or UNREADABLE)[UNIQUE]
  local held = key and taken(key)
  if held and held[HOLDER] ~= place then
    return false
  end
  if key then
    take_unique(key, place, held and held[UNTIL])
  end
  return true
end

local function run_afresh(place, run)
  keep_success(place, run)
  leave(place, run)
  run[STATE], run[FAILURES], run[CRASHES], run[RUN_AT], run[CANCEL] = READY, 0, 0, false, false
  run[FINISHED], run[EXPIRES], run[PROGRESS], run[NOTE] = false, false, false, false
  enter(place, run)
  hset('errors', place, false)
  hset('results', place, false)
end

local function move(place, run, state)
  leave(place, run)
  run[STATE] = state
  enter(place, run)
  return true
end

local verbs = {}

function verbs.retry(place, run)
  local ended = run[STATE] >= SUCCEEDED
  if not (ended or run[STATE] == SCHEDULED) or not take_key(place) then
    return false
  elseif ended then
    run_afresh(place, run)
  else
    leave(place, run)
    run[STATE], run[RUN_AT] = READY, false
    enter(place, run)
  end
  return true
end

function verbs.cancel(place, run)
  if run[STATE] == RUNNING then
    run[CANCEL] = true
    hset('runs', place, pack(run))
    hset('wishes', place, run[WORKER])
    return true
  elseif run[STATE] < SUCCEEDED then
    cancel_waiting(place, run, pack({message = 'cancelled before it ran'}))
    return true
  end
end

function verbs.hold(place, run)
  return (run[STATE] == SCHEDULED or run[STATE] == READY or run[STATE] == PARKED) and move(place, run, HELD)
end

function verbs.release(place, run)
  local early = run[RUN_AT] and run[RUN_AT] > now
  return run[STATE] == HELD and move(place, run, early and SCHEDULED or READY)
end

function verbs.delete(place, run)
  if run[STATE] ~= RUNNING then
    forget(place, run)
    became[place] = false
    return true
  end
end

-- It goes on waiting where it waits, so nobody is woken.
function verbs.prioritise(place, run)
  if run[STATE] == RUNNING or run[STATE] >= SUCCEEDED then
    return false
  end
  if run[DIGIT] ~= given.digit then
    leave(place, run)
    run[DIGIT] = given.digit
    stand(place, run, '0')
    hset('runs', place, pack(run))
  end
  return true
end

local places, states, changed = {}, {}, 0
for _, reference in ipairs(given.jobs) do
  places[#places + 1] = place_of(reference) or nil
end
for _, state in ipairs(given.states) do
  states[state] = true
end
fetch(places)
for _, place in ipairs(places) do
  local run = run_of(place)
  -- It may have changed since it was found to fit.
  if run and (#given.states == 0 or states[run[STATE]]) and verbs[given.verb](place, run) then
    changed = changed + 1
  end
end
finish()
return changed
