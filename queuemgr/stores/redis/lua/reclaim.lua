-- Takes jobs back from workers that are dead or have left.

-- workers
local HOST, PID, BIRTH = 2, 3, 4

local function fate(run, job, blamed)
  if job == UNREADABLE then
    return DEAD, 'what is kept of it is damaged'
  elseif run[CANCEL] then
    return CANCELLED, 'cancelled while running'
  elseif job[ONCE] then
    return DEAD, 'it was interrupted, and it runs at most once'
  elseif blamed and run[CRASHES] >= job[BUDGET] then
    return DEAD, string.format('quarantined: %d workers died while they ran it', run[CRASHES])
  end
  return READY
end

local function give_back(place, run, worker, crashed, blamed)
  local job, word = job_of(place) or UNREADABLE, crashed and 'interrupted' or 'given back'
  local message = 'the worker ' .. worker .. (crashed and ' died while it ran the job' or ' left')
  leave(place, run)
  if blamed then
    run[CRASHES] = run[CRASHES] + 1
  end
  local state, reason = fate(run, job, blamed)
  local error = {type = 'queuemgr.errors.Interrupted', message = message, reason = reason}
  run[STATE], run[WORKER] = state, false
  if state ~= READY then
    over(place, run, state, now)
  end
  enter(place, run)
  hset('errors', place, pack(error))
  hset('wishes', place, false)
  remember(place, pack({run[ATTEMPT], worker, run[STARTED], now, word, error, false, false}))
end

local function take_back(worker, crashed)
  local places = call('HKEYS', base .. 'leases:' .. worker)
  fetch(places)
  local any_suspect = false
  for _, place in ipairs(places) do
    local run = run_of(place)
    any_suspect = any_suspect or (run and run[CRASHES] > 0)
  end
  for _, place in ipairs(places) do
    local run = run_of(place)
    hset('leases:' .. worker, place, false)
    -- A worker holds at most one job that has seen a worker die. If it dies with one, that one is the suspect.
    if run and run[STATE] == RUNNING and run[WORKER] == worker then
      give_back(place, run, worker, crashed, crashed and (run[CRASHES] > 0 or not any_suspect))
    end
  end
  local info = hget('workers', worker)
  info = info and unpacked(info)
  if info and type(info[HOST]) == 'string' then
    hset('host:' .. info[HOST], worker, false)
  end
  hset('workers', worker, false)
  hset('moods', worker, false)
  zset('beats', worker, false)
end

-- One that was stopping was ended by whoever stopped it, not by a job.
local function bury(worker)
  take_back(worker, hget('moods', worker) ~= 'stopping')
end

local function arrive(worker, info, mood, beat_at)
  local told = unpacked(info)
  hset('workers', worker, info)
  hset('moods', worker, mood)
  hset('host:' .. told[HOST], worker, told[PID] .. ' ' .. told[BIRTH])
  zset('beats', worker, beat_at)
end
