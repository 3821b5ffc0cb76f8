-- Moves what is due to the list, as Laravel's workers do before each pop, and shows a part of the list.
-- What is too large to be handed over goes to the dead here.
-- KEYS: list, notify, delayed, reserved, dead, bodies, reasons.
-- ARGV: now, most to move, first to look at, how many to look at, most bytes of one, reason of the dead,
-- then the names of our tasks as JSON writes them. A sound job that bears none of them is not shown.
local function migrate(from)
    local due = redis.call('zrangebyscore', from, '-inf', ARGV[1], 'limit', 0, ARGV[2])
    if #due == 0 then return end
    redis.call('zremrangebyrank', from, 0, #due - 1)
    for _, payload in ipairs(due) do
        redis.call('rpush', KEYS[1], payload)
        redis.call('rpush', KEYS[2], 1)
    end
end
migrate(KEYS[3])
migrate(KEYS[4])
local function is_foreign(payload)
    for at = 7, #ARGV do
        if string.find(payload, ARGV[at], 1, true) then return false end
    end
    if string.sub(payload, 1, 1) ~= '{' or string.sub(payload, -1) ~= '}' then return false end
    for _, field in ipairs({'"job"%s*:%s*"', '"data"%s*:', '"attempts"%s*:%s*%d'}) do
        if not string.find(payload, field) then return false end
    end
    return true
end
local shown, passed = {}, 0
local count = tonumber(ARGV[4])
if count > 0 then
    local first = tonumber(ARGV[3])
    for _, payload in ipairs(redis.call('lrange', KEYS[1], first, first + count - 1)) do
        if #payload <= tonumber(ARGV[5]) then
            passed = passed + 1
            if not is_foreign(payload) then shown[#shown + 1] = payload end
        elseif redis.call('lrem', KEYS[1], 1, payload) == 1 then
            local id = 'unread-' .. redis.sha1hex(payload)
            redis.call('lpop', KEYS[2])
            redis.call('hset', KEYS[6], id, payload)
            redis.call('hset', KEYS[7], id, ARGV[6])
            redis.call('zadd', KEYS[5], ARGV[1], id)
        end
    end
end
local delayed = redis.call('zrange', KEYS[3], 0, 0, 'withscores')
local reserved = redis.call('zrange', KEYS[4], 0, 0, 'withscores')
local last = redis.call('lindex', KEYS[1], -1)
-- Without a job a token would only wake workers for nothing.
if not last then redis.call('del', KEYS[2]) end
local mark = last and redis.sha1hex(last) or ''
return {shown, passed, redis.call('llen', KEYS[1]), mark, delayed[2] or '', reserved[2] or ''}
