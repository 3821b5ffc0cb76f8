-- Finds payloads that contain a text. It changes nothing. KEYS: a list or a sorted set.
-- ARGV: 'list' or 'zset', first, last, text. Answers payload, score, payload, score.
local found = {}
if ARGV[1] == 'list' then
    for _, payload in ipairs(redis.call('lrange', KEYS[1], ARGV[2], ARGV[3])) do
        if string.find(payload, ARGV[4], 1, true) then
            found[#found + 1] = payload
            found[#found + 1] = ''
        end
    end
else
    local members = redis.call('zrange', KEYS[1], ARGV[2], ARGV[3], 'withscores')
    for at = 1, #members, 2 do
        if string.find(members[at], ARGV[4], 1, true) then
            found[#found + 1] = members[at]
            found[#found + 1] = members[at + 1]
        end
    end
end
return found
