-- Remembers whom to wake once everything is written.

local rings, looks, ends = {}, {}, {}
local first_due, awaited

local function head(key)
  local first = call('ZRANGE', base .. key, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2])
end

local function ready(queue)
  rings[queue] = (rings[queue] or 0) + 1
end

-- Whoever waits for the first due moment must hear of an earlier one.
local function due(queue, moment)
  if first_due == nil then
    first_due = head('due') or false
  end
  if not first_due or moment < first_due then
    first_due = moment
    looks[queue] = 1
  end
end

local function id_of(place)
  -- A place that is not itself an id is a UUID, "~" and the id.
  return string.sub(place, 37, 37) == '~' and string.sub(place, 38) or place
end

local function ended(place)
  if awaited == nil then
    awaited = call('EXISTS', base .. 'awaited') == 1
  end
  local channels = awaited and hget('awaited', place)
  if channels then
    hset('awaited', place, false)
    for _, channel in ipairs(unpacked(channels) or {}) do
      ends[#ends + 1] = {channel, id_of(place)}
    end
  end
end

local function finish()
  commit()
  for queue, times in pairs(rings) do
    ring(queue, times, 'work')
  end
  for queue, times in pairs(looks) do
    ring(queue, times, 'look')
  end
  for _, one in ipairs(ends) do
    call('PUBLISH', one[1], 'end ' .. one[2])
  end
end
