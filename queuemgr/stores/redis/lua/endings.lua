-- How jobs end and go.

local function lifetime(state, keep)
  if state == DEAD then
    return math.max(keep or 0, KEEP_DEAD)
  end
  return keep or KEEP
end

-- Between `leave` and `enter`.
local function over(place, run, state, at)
  local job = job_of(place) or UNREADABLE
  run[STATE], run[FINISHED], run[EXPIRES] = state, at, at + lifetime(state, job[KEEP_FOR])
  free_unique(job[UNIQUE], place, at)
  ended(place)
end

-- The entries of a job in the indexes of a queue, found without reading the job: index and member.
local function entries_of(place, queue)
  local possible, found = {{'suspects:' .. queue, place}}, {}
  for state, word in pairs(WORD) do
    possible[#possible + 1] = state ~= READY and {word .. ':' .. queue, place} or nil
  end
  for digit = 0, 9 do
    possible[#possible + 1] = {'ready:' .. queue, digit .. place}
  end
  for _, entry in ipairs(possible) do
    found[#found + 1] = call('ZSCORE', base .. entry[1], entry[2]) and entry or nil
  end
  for _, member in ipairs(call('ZRANGE', base .. 'unknown:' .. queue, 0, -1)) do
    found[#found + 1] = string.sub(member, -#place) == place and {'unknown:' .. queue, member} or nil
  end
  return found
end

local function cancel_waiting(place, run, error)
  leave(place, run)
  run[CANCEL] = false
  over(place, run, CANCELLED, now)
  enter(place, run)
  hset('errors', place, error)
end

-- It cannot tell where it stands: it leaves whatever holds it.
function condemn(place, run)
  for _, queue in ipairs(call('HKEYS', base .. 'queues')) do
    for _, entry in ipairs(entries_of(place, queue)) do
      zset(entry[1], entry[2], false)
      run[IN_QUEUE] = queue
    end
  end
  zset('due', place, false)
  over(place, run, DEAD, now)
  enter(place, run)
  hset('wishes', place, false)
  hset('errors', place, pack({type = 'queuemgr.errors.CorruptStore', message = 'what is kept of it is damaged'}))
end

local function forget(place, run)
  local job = job_of(place) or UNREADABLE
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
