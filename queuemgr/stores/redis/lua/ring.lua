-- Wakes who waits for work. Idle workers stand in line; each new job wakes the next of them that is really there.

local function ring(queue, times, word)
  if call('EXISTS', base .. 'idle:' .. queue) == 0 or call('HEXISTS', base .. 'paused', queue) == 1 then
    return
  end
  if (rooms_of({queue})[queue] or 1) <= 0 then
    return
  end
  while times > 0 do
    local channel = call('ZPOPMIN', base .. 'idle:' .. queue)[1]
    if not channel then
      return
    end
    -- Nobody hears the channel of a process that is dead.
    if call('PUBLISH', channel, word) > 0 then
      times = times - 1
    end
  end
end
