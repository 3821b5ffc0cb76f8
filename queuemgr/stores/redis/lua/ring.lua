-- Wakes who waits for work. Idle workers stand in line; each new job wakes the next of them that is really there.

local function open_for_work(queue)
  if call('EXISTS', base .. 'paused', base .. 'limits') == 0 then
    return true
  end
  return call('HEXISTS', base .. 'paused', queue) == 0 and (rooms_of({queue})[queue] or 1) > 0
end

local function ring(queue, times, word)
  if call('EXISTS', base .. 'idle:' .. queue) == 0 or not open_for_work(queue) then
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
