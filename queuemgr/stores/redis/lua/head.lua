-- What every script begins with: the names of its keys, what it is told, and the way to the server's commands.

local base = KEYS[1]
local call, pack, unpack_one, pcall, type = redis.call, cmsgpack.pack, cmsgpack.unpack_one, pcall, type
local unpack_whole = cmsgpack.unpack
local given = unpack_whole(ARGV[1])
local connection, given_up = ARGV[3], ARGV[4]

-- The table that was packed; false where its bytes are damaged: one broken value must not stop a script for all others.
local function unpacked(packed)
  local read, value = pcall(unpack_whole, packed)
  return read and type(value) == 'table' and value
end

-- As many arguments as the stack of Lua bears; even, so that pairs stay together.
local MOST = 4000

-- The values of many fields, by their names; into a table that may hold others.
local function hmget(key, fields, values)
  values = values or {}
  for first = 1, #fields, MOST do
    local last = math.min(first + MOST - 1, #fields)
    local found = call('HMGET', base .. key, unpack(fields, first, last))
    for n = first, last do
      values[fields[n]] = found[n - first + 1]
    end
  end
  return values
end

-- How many more jobs may run of those queues that have a limit.
local function rooms_of(queues)
  local rooms = {}
  if call('EXISTS', base .. 'limits') == 1 then
    for queue, limit in pairs(hmget('limits', queues)) do
      rooms[queue] = limit and tonumber(limit) - call('ZCARD', base .. 'running:' .. queue)
    end
  end
  return rooms
end

local function send(command, key, arguments)
  for first = 1, #arguments, MOST do
    call(command, base .. key, unpack(arguments, first, math.min(first + MOST - 1, #arguments)))
  end
end
