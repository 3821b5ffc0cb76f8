-- A job is two values: what was asked (written once, `jobs`) and what has become of it (`runs`). A job that simply
-- waits has only the first. It stands in the index of its state and queue, by its place, which is its age.

-- jobs
local QUEUE, PRIORITY, KEEP_FOR, ONCE, BUDGET, UNIQUE, TAGS, TASK, CREATED = 1, 2, 3, 4, 5, 6, 7, 8, 9
-- runs; false where there is nothing
local STATE, IN_QUEUE, DIGIT, ATTEMPT, FAILURES, CRASHES, RUN_AT = 1, 2, 3, 4, 5, 6, 7
local STARTED, FINISHED, EXPIRES, WORKER, PROGRESS, NOTE, CANCEL, SAID = 8, 9, 10, 11, 12, 13, 14, 15
-- states
local SCHEDULED, READY, RUNNING, HELD, PARKED, SUCCEEDED, DEAD, CANCELLED = 0, 1, 2, 3, 4, 5, 6, 7
local WORD = {[0] = 'scheduled', 'ready', 'running', 'held', 'parked', 'succeeded', 'dead', 'cancelled'}

-- What takes the place of a request that is damaged: it runs no more.
local UNREADABLE = {'', 5, false, true, 0, false, false, '', false}

-- Ends a job of which too little can be read; only in scripts that end jobs (`endings`).
local condemn

local asked, became, packed_jobs, packed_runs = {}, {}, {}, {}

-- An id is told as it is if it is a place itself, else after a "~".
local function place_of(reference)
  if string.sub(reference, 1, 1) ~= '~' then
    return reference
  end
  return hget('names', string.sub(reference, 2))
end

local function fetch(places)
  hmget('jobs', places, packed_jobs)
  hmget('runs', places, packed_runs)
end

-- By its first and its last: bytes that are cut or changed hardly leave both, and each look costs every job its time.
local function is_request(job)
  return type(job) == 'table' and type(job[QUEUE]) == 'string' and type(job[PRIORITY]) == 'number'
    and type(job[CREATED]) == 'number'
end

-- What was asked; false where there is no such job.
local function job_of(place)
  local job = asked[place]
  if job == nil then
    local packed = packed_jobs[place]
    if packed == nil then
      packed = call('HGET', base .. 'jobs', place)
    end
    if packed then
      -- Its arguments stand behind it, and are not unpacked.
      local read, _, value = pcall(unpack_one, packed, 4)
      job = read and is_request(value) and value or UNREADABLE
    else
      job = false
    end
    asked[place] = job
  end
  return job
end

local function digit_of(priority)
  return string.format('%d', 9 - math.max(0, math.min(9, priority)))
end

local function new_run(queue, digit)
  return {READY, queue, digit, 0, 0, 0, false, false, false, false, false, false, false, false, false}
end

local function is_run(run)
  return run and WORD[run[STATE]] and type(run[IN_QUEUE]) == 'string' and type(run[CRASHES]) == 'number'
end

-- What becomes of a damaged job: it is dead, and its attempt is none that anybody was leased.
local function lost_run(place)
  local run = new_run((job_of(place) or UNREADABLE)[QUEUE], '5')
  run[STATE], run[ATTEMPT] = DEAD, call('LLEN', base .. 'attempts:' .. place) + 1
  if condemn then
    condemn(place, run)
  end
  return run
end

-- What has become of a job; false where there is no such job.
local function run_of(place)
  local run = became[place]
  if run == nil then
    local packed = packed_runs[place]
    if packed == nil then
      packed = call('HGET', base .. 'runs', place)
    end
    if packed then
      run = unpacked(packed)
      run = is_run(run) and run or lost_run(place)
    else
      local job = job_of(place)
      run = job and (job == UNREADABLE and lost_run(place) or new_run(job[QUEUE], digit_of(job[PRIORITY])))
    end
    became[place] = run
  end
  return run
end

-- Where a parked job waits for a worker that knows its task.
local function unknown_as(task, suspect)
  return string.format('%d%d:%s:', suspect and 1 or 0, #task, task)
end

local function stand(place, run, score)
  local state, queue = run[STATE], run[IN_QUEUE]
  if state == READY then
    if run[CRASHES] > 0 then
      zset('suspects:' .. queue, place, score)
    else
      zset('ready:' .. queue, run[DIGIT] .. place, score)
    end
    return
  end
  zset(WORD[state] .. ':' .. queue, place, score)
  if state == SCHEDULED then
    zset('due', place, score and run[RUN_AT])
  elseif state == PARKED then
    zset('unknown:' .. queue, unknown_as((job_of(place) or UNREADABLE)[TASK], run[CRASHES] > 0) .. place, score)
  end
end

-- Between `leave` and `enter` a job may be changed.
local function leave(place, run)
  stand(place, run, false)
  if run[EXPIRES] then
    zset('ends', place, false)
  end
end

local function enter(place, run)
  stand(place, run, '0')
  became[place] = run
  hset('runs', place, pack(run))
  if run[EXPIRES] then
    zset('ends', place, run[EXPIRES])
  end
  if run[STATE] == READY then
    ready(run[IN_QUEUE])
  elseif run[STATE] == SCHEDULED then
    due(run[IN_QUEUE], run[RUN_AT])
  end
end

local function remember(place, packed_attempt)
  later('RPUSH', 'attempts:' .. place, packed_attempt)
end
