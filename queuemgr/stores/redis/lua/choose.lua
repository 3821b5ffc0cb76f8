-- Chooses what a worker is leased: {place, queue, digit, member}. The digit tells a job that simply waits; the member is
-- the entry of a parked one.

local chosen, picked, passed = {}, {}, {}
local room, parked = given.limit, false
local rooms = {}

-- The queues that are neither paused nor full, and whether any of them holds jobs of the two kinds that are seldom there.
local function open_queues()
  local names, open, suspects, unknown = {}, {}, {}, {}
  local seldom = {base .. 'paused', base .. 'limits'}
  for n, wish in ipairs(given.queues) do
    names[n] = wish[1]
    seldom[2 * n + 1], seldom[2 * n + 2] = base .. 'suspects:' .. wish[1], base .. 'unknown:' .. wish[1]
  end
  if call('EXISTS', unpack(seldom)) == 0 then
    -- As nearly always: one question instead of four, for a worker that somebody waits for.
    rooms = {}
    return given.queues, false, false
  end
  local paused = hmget('paused', names)
  rooms = rooms_of(names)
  for _, wish in ipairs(given.queues) do
    if not paused[wish[1]] and (rooms[wish[1]] or 1) > 0 then
      open[#open + 1] = wish
      suspects[#suspects + 1] = base .. 'suspects:' .. wish[1]
      unknown[#unknown + 1] = base .. 'unknown:' .. wish[1]
    end
  end
  if #open == 0 then
    return open, false, false
  end
  return open, call('EXISTS', unpack(suspects)) > 0, call('EXISTS', unpack(unknown)) > 0
end

local function pick(place, queue, digit, member)
  chosen[#chosen + 1] = {place, queue, digit, member}
  picked[place] = true
  room = room - 1
  if rooms[queue] then
    rooms[queue] = rooms[queue] - 1
  end
end

local function pick_ready(queue, most)
  if most <= 0 then
    return
  end
  local from = passed[queue] or 0
  local members = call('ZRANGE', base .. 'ready:' .. queue, from, from + most - 1)
  for _, member in ipairs(members) do
    pick(string.sub(member, 2), queue, string.sub(member, 1, 1))
  end
  passed[queue] = from + #members
end

-- Parked jobs whose task the worker knows; how many were picked.
local function pick_parked(queue, most, suspect)
  local before, key = room, base .. 'unknown:' .. queue
  for _, task in ipairs(given.tasks) do
    local mark = unknown_as(task, suspect)
    local past = string.sub(mark, 1, -2) .. ';'
    for _, member in ipairs(call('ZRANGEBYLEX', key, '[' .. mark, '(' .. past, 'LIMIT', 0, given.limit)) do
      local place = string.sub(member, #mark + 1)
      if before - room < most and not picked[place] then
        pick(place, queue, nil, member)
      end
    end
  end
  return before - room
end

local function pick_from(queue, most)
  most = math.min(room, most, rooms[queue] or most)
  local known = parked and most > 0 and pick_parked(queue, most, false) or 0
  pick_ready(queue, most - known)
end

local function holds_suspect(worker)
  local places = call('HKEYS', base .. 'leases:' .. worker)
  fetch(places)
  for _, place in ipairs(places) do
    local run = run_of(place)
    if run and run[CRASHES] > 0 then
      return true
    end
  end
  return false
end

-- Jobs that have seen a worker die are leased to a worker one at a time, so that the guilty one is found.
local function pick_suspect(open)
  for _, wish in ipairs(open) do
    local first = call('ZRANGE', base .. 'suspects:' .. wish[1], 0, 0)[1]
    if first then
      return pick(first, wish[1])
    elseif parked and pick_parked(wish[1], 1, true) > 0 then
      return
    end
  end
end

local function choose(open, suspects)
  if room > 0 and (suspects or parked) and not holds_suspect(given.worker) then
    pick_suspect(open)
  end
  -- First each queue its share; then what is left over to whoever has work.
  for _, wish in ipairs(open) do
    pick_from(wish[1], wish[2])
  end
  for _, wish in ipairs(open) do
    if wish[2] < given.limit then
      pick_from(wish[1], given.limit)
    end
  end
end
