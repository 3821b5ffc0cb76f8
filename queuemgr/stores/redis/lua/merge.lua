-- Merges indexes that are each in the order of age, a little of each at a time.

-- one index: its key, and what stands before the place in its members
local KEY, MARK = 1, 2

local function refill(index, most, edge)
  local found
  if given.ascending then
    local from = edge and '(' .. index[MARK] .. edge or '[' .. index[MARK]
    found = call('ZRANGEBYLEX', base .. index[KEY], from, '[' .. index[MARK] .. '\255', 'LIMIT', 0, most)
  else
    local from = edge and '(' .. index[MARK] .. edge or '[' .. index[MARK] .. '\255'
    found = call('ZREVRANGEBYLEX', base .. index[KEY], from, '[' .. index[MARK], 'LIMIT', 0, most)
  end
  index.found, index.at = found, 1
  index.more = #found == most
end

local function peek(index, most)
  if index.at > #index.found then
    if not index.more then
      return nil
    end
    refill(index, most, string.sub(index.found[#index.found], #index[MARK] + 1))
    return peek(index, most)
  end
  return string.sub(index.found[index.at], #index[MARK] + 1)
end

-- The next places after `edge`, at most `limit`.
local function merged(indexes, edge, limit)
  local places, some = {}, math.max(4, math.ceil(2 * limit / math.max(1, #indexes)))
  local live = {}
  for _, index in ipairs(indexes) do
    refill(index, some, edge)
    if #index.found > 0 then
      live[#live + 1] = index
    end
  end
  while #places < limit do
    local best, first
    for _, index in ipairs(live) do
      local place = peek(index, some)
      if place and (not best or (place < best) == given.ascending) then
        best, first = place, index
      end
    end
    if not best then
      return places
    end
    places[#places + 1] = best
    first.at = first.at + 1
  end
  return places
end
