-- The time, and what a script will write. Nothing is written before `commit`, because a script that fails halfway is
-- not undone: whatever may fail, fails before the first write.

local now = tonumber(ARGV[2])
if not now then
  local time = call('TIME')
  now = time[1] + time[2] / 1e6
end

local hashes, sorted, after = {}, {}, {}

local function exact(number)
  return number and string.format('%.17g', number)
end

local function of(all, key)
  local one = all[key]
  if not one then
    one = {}
    all[key] = one
  end
  return one
end

-- A field's new value, false to remove it.
local function hset(key, field, value)
  of(hashes, key)[field] = value
end

-- A member's new score, false to remove it.
local function zset(key, member, score)
  of(sorted, key)[member] = score
end

-- Another command on a key, done after all others.
local function later(command, key, ...)
  after[#after + 1] = {command, base .. key, ...}
end

local function hget(key, field)
  local changed = hashes[key]
  if changed and changed[field] ~= nil then
    return changed[field]
  end
  return call('HGET', base .. key, field)
end

-- What is to be removed of each key, and what is to be set: pairs, in the order in which the command wants them.
local function sort_out(all, first_is_name)
  local removals, settings = {}, {}
  for key, changes in pairs(all) do
    local gone, set, n, m = {}, {}, 0, 0
    for name, value in pairs(changes) do
      if value == false then
        n = n + 1
        gone[n] = name
      elseif first_is_name then
        set[m + 1], set[m + 2] = name, value
        m = m + 2
      else
        set[m + 1], set[m + 2] = value, name
        m = m + 2
      end
    end
    removals[key], settings[key] = n > 0 and gone or nil, m > 0 and set or nil
  end
  return removals, settings
end

local function send_all(command, all)
  for key, arguments in pairs(all) do
    send(command, key, arguments)
  end
end

-- Removals go first: a server that is out of memory lets them pass, and what follows them too.
local function commit()
  local no_fields, fields = sort_out(hashes, true)
  local no_members, members = sort_out(sorted, false)
  send_all('HDEL', no_fields)
  send_all('ZREM', no_members)
  send_all('HSET', fields)
  send_all('ZADD', members)
  for _, command in ipairs(after) do
    call(unpack(command))
  end
end
