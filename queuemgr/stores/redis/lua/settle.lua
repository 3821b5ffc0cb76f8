--! head fence unit ring bell job unique endings
-- Ends runs. A token that is not the newest changes nothing.

-- one settlement
local PLACE, TOKEN, BY, BECOMES, AT, SAYS = 1, 2, 3, 4, 5, 6
local BEGAN, RESULT, AGAIN_AT, FAILED, CRASHED, ERROR, HISTORY = 7, 8, 9, 10, 11, 12, 13

-- Whether this very settlement is what ended the run; it is sent again where its answer was lost.
local function was_settled(place, run, one)
  if run and run[STATE] == one[BECOMES] and run[STATE] == SUCCEEDED and run[ATTEMPT] == one[TOKEN] then
    return run[WORKER] == one[BY] and run[FINISHED] == one[AT]
  end
  for _, packed in ipairs(call('LRANGE', base .. 'attempts:' .. place, 0, -1)) do
    local attempt = unpacked(packed)
    if attempt and attempt[1] == one[TOKEN] and attempt[2] == one[BY] and attempt[4] == one[AT] then
      return attempt[5] == one[SAYS]
    end
  end
  return false
end

local function count(run, one)
  run[FAILURES] = run[FAILURES] + (one[FAILED] and 1 or 0)
  run[CRASHES] = run[CRASHES] + (one[CRASHED] and 1 or 0)
end

local limited = call('EXISTS', base .. 'limits') == 1

local function settle(place, run, one)
  local state = one[BECOMES]
  leave(place, run)
  run[STARTED] = one[BEGAN]
  if state >= SUCCEEDED then
    count(run, one)
    run[PROGRESS] = state == SUCCEEDED and 100 or run[PROGRESS]
    over(place, run, state, one[AT])
    if one[RESULT] then
      hset('results', place, one[RESULT])
    end
  else
    count(run, one)
    run[STATE], run[RUN_AT], run[WORKER] = state, one[AGAIN_AT] or run[RUN_AT], false
    if run[CANCEL] then
      -- A job that somebody wanted cancelled while it ran does not run again.
      run[CANCEL], run[RUN_AT] = false, false
      over(place, run, CANCELLED, one[AT])
    end
  end
  enter(place, run)
  if limited then
    -- Where a queue was full there is room again.
    ready(run[IN_QUEUE])
  end
  hset('leases:' .. one[BY], place, false)
  if one[ERROR] or run[FAILURES] + run[CRASHES] + run[ATTEMPT] > 1 then
    hset('errors', place, one[ERROR] or false)
  end
  if one[HISTORY] then
    remember(place, one[HISTORY])
  end
end

local function keep_few(most)
  local surplus = call('ZCARD', base .. 'ends') - most
  if surplus > 0 then
    local oldest = call('ZRANGE', base .. 'ends', 0, math.min(surplus, 2 * #given.ended) - 1)
    hashes, sorted, after, ends, rings, looks = {}, {}, {}, {}, {}, {}
    forget_all(oldest)
    finish()
  end
end

local places, answers = {}, {}
for n, one in ipairs(given.ended) do
  places[n] = one[PLACE]
end
fetch(places)
local wishes = call('EXISTS', base .. 'wishes') == 1
for n, one in ipairs(given.ended) do
  local place, run = one[PLACE], run_of(one[PLACE])
  if run and run[STATE] == RUNNING and run[ATTEMPT] == one[TOKEN] and run[WORKER] == one[BY] then
    settle(place, run, one)
    if wishes then
      hset('wishes', place, false)
    end
    answers[n] = 1
  else
    answers[n] = given.again and was_settled(place, run, one) and 1 or 0
  end
end
finish()
if given.keep then
  keep_few(given.keep)
end
return answers
