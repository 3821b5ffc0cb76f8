--! head fence unit
-- Puts a schedule. Who puts it read it a moment ago, and it may have fired since: the same rule never goes back to such
-- a moment.

-- schedules: its rule, and all of it
local RULE = 1

local before, fired = hget('schedules', given.name), hget('fired', given.name)
fired, before = fired and unpacked(fired), before and unpacked(before)
local last_at = fired and fired[1]
local same = before and before[RULE] == given.rule
if not (same and last_at and given.next_at and given.next_at <= last_at) then
  zset('firings', given.name, given.next_at or false)
end
hset('schedules', given.name, pack({given.rule, given.definition}))
commit()
call('PUBLISH', base .. 'bell', 'look')
