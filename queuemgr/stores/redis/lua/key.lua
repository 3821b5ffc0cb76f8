--! head fence unit
-- Small values that are changed atomically and may have a lifetime.

-- keys: the value, its end or false, and the last change by its number
local VALUE, TILL, LAST = 1, 2, 3

local stored = hget('keys', given.key)
stored = stored and unpacked(stored)
if stored and stored[TILL] and stored[TILL] <= now then
  stored = false
end

local function put(value, till)
  hset('keys', given.key, pack({value, till or false, given.number}))
  zset('expiring', given.key, till or false)
  commit()
end

-- A change that is sent again because its answer was lost is not made twice.
local again = given.again and stored and stored[LAST] == given.number
local till = given.ttl and now + given.ttl

local verbs = {}

function verbs.get()
  return stored and stored[VALUE]
end

function verbs.put()
  if not stored then
    put(given.value, till)
  end
  return (again or not stored) and 1 or 0
end

function verbs.add()
  if again then
    return stored[VALUE]
  end
  local before = stored and tonumber(stored[VALUE]) or (stored and nil) or (not stored and 0)
  if not before or not string.match(stored and stored[VALUE] or '0', '^-?%d+$') then
    return false
  end
  local sum = string.format('%.0f', before + given.amount)
  if stored then
    till = stored[TILL]
  end
  put(sum, till)
  return sum
end

function verbs.remove()
  local known = stored and stored[VALUE] == given.value
  if known then
    hset('keys', given.key, false)
    zset('expiring', given.key, false)
    commit()
  end
  return (known or (given.again and not stored)) and 1 or 0
end

return verbs[given.verb]()
