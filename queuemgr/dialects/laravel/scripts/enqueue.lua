-- Accepts all jobs or none: a lock that is taken by another job refuses every one of them.
-- KEYS: for each queue its list, notify and delayed; then the locks.
-- ARGV: number of jobs; for each its queue's first key, its moment or '', its lock's key or 0,
-- the lock's milliseconds or 0, the lock's owner, what to do where it is taken, and its payload.
-- The last key is the call's own: what was answered to it, should its answer be lost and the call be made again.
local answered = redis.call('get', KEYS[#KEYS])
if answered then return cjson.decode(answered) end
local answers, mine = {}, {}
for n = 1, tonumber(ARGV[1]) do
    local at = 2 + (n - 1) * 7
    local lock = tonumber(ARGV[at + 2])
    answers[n] = ''
    if lock > 0 then
        local owner = mine[lock] or redis.call('get', KEYS[lock])
        -- Laravel's own locks bear 16 random letters, which name no job.
        if owner and #owner > 16 and ARGV[at + 5] == 'existing' then
            answers[n] = owner
        elseif owner then
            return {'taken', tostring(n - 1), owner}
        else
            mine[lock] = ARGV[at + 4]
        end
    end
end
for n = 1, tonumber(ARGV[1]) do
    local at = 2 + (n - 1) * 7
    if answers[n] == '' then
        local queue, lock = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
        if lock > 0 then
            if ARGV[at + 3] == '0' then
                redis.call('set', KEYS[lock], ARGV[at + 4])
            else
                redis.call('set', KEYS[lock], ARGV[at + 4], 'px', ARGV[at + 3])
            end
        end
        if ARGV[at + 1] == '' then
            redis.call('rpush', KEYS[queue], ARGV[at + 6])
            redis.call('rpush', KEYS[queue + 1], 1)
        else
            redis.call('zadd', KEYS[queue + 2], ARGV[at + 1], ARGV[at + 6])
        end
    end
end
-- An earlier call of the same sender, whose answer has arrived.
if ARGV[#ARGV] == 'forget' then redis.call('del', KEYS[#KEYS - 1]) end
redis.call('set', KEYS[#KEYS], cjson.encode(answers), 'ex', 60)
return answers
