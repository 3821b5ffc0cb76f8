-- Ends reservations of jobs that are done and leave nothing behind. KEYS: reserved, held, cancel.
-- ARGV: for each its field, its reserved bytes, its id. Answers 0 for each that was not there any more.
local answers = {}
for at = 1, #ARGV, 3 do
    answers[#answers + 1] = redis.call('zrem', KEYS[1], ARGV[at + 1])
    redis.call('hdel', KEYS[2], ARGV[at])
    redis.call('srem', KEYS[3], ARGV[at + 2])
end
return answers
