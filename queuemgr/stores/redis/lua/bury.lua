--! head fence unit ring bell job unique endings reclaim
-- Takes back the jobs of workers that the kernel says are dead, unless others bear their names by now.

for _, dead in ipairs(given.dead) do
  if hget('host:' .. given.host, dead[1]) == dead[2] then
    bury(dead[1])
  end
end
finish()
