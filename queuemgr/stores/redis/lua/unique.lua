-- Unique keys: which job holds one, and for how long.

-- unique: the place of the job, the end of the window or false, and whether the job has ended
local HOLDER, UNTIL, OVER = 1, 2, 3

local function holder_of(key)
  local packed = hget('unique', key)
  return packed and unpacked(packed)
end

-- The job that holds a key, if another must not have it now.
local function taken(key)
  local held = holder_of(key)
  if held and not held[OVER] and (job_of(held[HOLDER]) or UNREADABLE) == UNREADABLE then
    -- Its holder is damaged, or was when it went, and cannot give it back.
    return false
  end
  return held and (not held[OVER] or (held[UNTIL] and held[UNTIL] > now)) and held
end

local function take_unique(key, place, until_)
  hset('unique', key, pack({place, until_ or false, false}))
  zset('windows', key, false)
end

-- The job has ended: its key is free, at once or when its window is over.
local function free_unique(key, place, at)
  local held = key and holder_of(key)
  if not held or held[HOLDER] ~= place then
    return
  end
  if held[UNTIL] and held[UNTIL] > at then
    hset('unique', key, pack({place, held[UNTIL], true}))
    zset('windows', key, held[UNTIL])
  else
    hset('unique', key, false)
  end
end
