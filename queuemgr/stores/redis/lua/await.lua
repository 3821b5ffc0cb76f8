--! head fence unit ring bell job
-- The state of a job that has ended; else -1, and the channel is told of its end. Nothing where there is no such job.

local place = place_of(given.job)
local run = place and run_of(place)
if not run then
  return false
end
if run[STATE] >= SUCCEEDED then
  return run[STATE]
end
local channels = hget('awaited', place)
channels = channels and unpacked(channels) or {}
for _, channel in ipairs(channels) do
  if channel == given.channel then
    return -1
  end
end
channels[#channels + 1] = given.channel
hset('awaited', place, pack(channels))
finish()
return -1
