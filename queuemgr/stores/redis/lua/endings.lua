-- How jobs end and go.

local function lifetime(state, keep)
  if state == DEAD then
    return math.max(keep or 0, KEEP_DEAD)
  end
  return keep or KEEP
end

-- Between `leave` and `enter`.
local function over(place, run, state, at)
  local job = job_of(place)
  run[STATE], run[FINISHED], run[EXPIRES] = state, at, at + lifetime(state, job[KEEP_FOR])
  free_unique(job[UNIQUE], place, at)
  ended(place)
end

local function cancel_waiting(place, run, error)
  leave(place, run)
  run[CANCEL] = false
  over(place, run, CANCELLED, now)
  enter(place, run)
  hset('errors', place, error)
end

local function forget(place, run)
  local job = job_of(place)
  leave(place, run)
  for _, key in ipairs({'jobs', 'args', 'runs', 'results', 'errors', 'wishes'}) do
    hset(key, place, false)
  end
  later('UNLINK', 'attempts:' .. place)
  later('UNLINK', 'output:' .. place)
  for _, tag in ipairs(job[TAGS] or {}) do
    zset('tag:' .. tag, place, false)
  end
  if id_of(place) ~= place then
    hset('names', id_of(place), false)
  end
  local held = job[UNIQUE] and holder_of(job[UNIQUE])
  if held and held[HOLDER] == place and not (held[OVER] and held[UNTIL]) then
    hset('unique', job[UNIQUE], false)
  end
  ended(place)
end

local function forget_all(places)
  fetch(places)
  local gone = 0
  for _, place in ipairs(places) do
    local run = run_of(place)
    if run then
      forget(place, run)
      gone = gone + 1
    else
      zset('ends', place, false)
    end
  end
  return gone
end
