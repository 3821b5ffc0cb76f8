-- Ends reservations of jobs that are done and leave nothing behind. KEYS: reserved, held, cancel.
-- ARGV: the field of each. Answers 0 for each that was not there any more.
local answers, ids = {}, {}
local held = redis.call('hmget', KEYS[2], unpack(ARGV))
for n, reserved in ipairs(held) do
    answers[n] = reserved and redis.call('zrem', KEYS[1], reserved) or 0
    ids[n] = string.match(ARGV[n], '^%d+ (.*)$')
end
redis.call('hdel', KEYS[2], unpack(ARGV))
redis.call('srem', KEYS[3], unpack(ids))
return answers
