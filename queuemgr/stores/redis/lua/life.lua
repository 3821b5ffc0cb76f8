-- A worker is known by its name, and by the process that bears it: what a dead one has sent may come late.

local function replaced()
  return given.life and hget('host:' .. given.life[1], given.worker) ~= given.life[2]
end
