-- Accepts jobs, or says which key is taken; used by `enqueue` and `fire`.

-- one job to accept
local REF, PLACE, BODY, AT_QUEUE, AT_DIGIT = 1, 2, 3, 4, 5
local ARGS, AT, DELAY, ON_HOLD, KEY, WINDOW, CONFLICT, LABELS = 6, 7, 8, 9, 10, 11, 12, 13

local function known(jobs)
  local names, places = {}, {}
  for _, one in ipairs(jobs) do
    if string.sub(one[REF], 1, 1) == '~' then
      names[#names + 1] = string.sub(one[REF], 2)
    else
      places[#places + 1] = one[REF]
    end
  end
  local there = {}
  for name, place in pairs(hmget('names', names)) do
    there['~' .. name] = place
  end
  return hmget('jobs', places, there)
end

local function replace(old, new)
  local run = run_of(old)
  if run and run[STATE] < SUCCEEDED and run[STATE] ~= RUNNING then
    cancel_waiting(old, run, pack({message = 'replaced by ' .. id_of(new)}))
  end
end

local function write(one)
  local place, queue, moment = one[PLACE], one[AT_QUEUE], one[AT]
  hset('jobs', place, one[BODY])
  packed_jobs[place] = one[BODY]
  if one[ARGS] then
    hset('args', place, one[ARGS])
  end
  if string.sub(one[REF], 1, 1) == '~' then
    hset('names', string.sub(one[REF], 2), place)
  end
  for _, tag in ipairs(one[LABELS] or {}) do
    zset('tag:' .. tag, place, '0')
  end
  hset('queues', queue, 1)
  if one[DELAY] then
    moment = now + one[DELAY]
  end
  if not moment and not one[ON_HOLD] then
    zset('ready:' .. queue, one[AT_DIGIT] .. place, '0')
    return ready(queue)
  end
  local run = new_run(queue, one[AT_DIGIT])
  run[RUN_AT] = moment or false
  if one[ON_HOLD] then
    run[STATE] = HELD
  elseif moment > now then
    run[STATE] = SCHEDULED
  end
  enter(place, run)
end

-- For each job false where it was accepted, else {what, the id of the other job}. Where a key is taken that a job
-- insists on: nil, the key, and its holder's id; then nothing may be written.
local function accept(jobs, yielding)
  local there, answers = known(jobs), {}
  for n, one in ipairs(jobs) do
    local answer = false
    local held = one[KEY] and not there[one[REF]] and taken(one[KEY])
    if held and one[CONFLICT] == 'replace' then
      answer = {'replaced', id_of(held[HOLDER])}
      replace(held[HOLDER], one[PLACE])
    elseif held and (yielding or one[CONFLICT] == 'existing') then
      answer = {'existing', id_of(held[HOLDER])}
    elseif held then
      return nil, one[KEY], id_of(held[HOLDER])
    end
    if not there[one[REF]] and not (answer and answer[1] == 'existing') then
      if one[KEY] then
        take_unique(one[KEY], one[PLACE], one[WINDOW] and now + one[WINDOW])
      end
      write(one)
      there[one[REF]] = true
    end
    answers[n] = answer
  end
  return answers
end
