--! head unit
-- How many members some indexes have.

local number = 0
for _, index in ipairs(given.indexes) do
  number = number + call('ZCARD', base .. index[1])
end
return number
