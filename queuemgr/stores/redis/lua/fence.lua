-- A connection that was given up while a question was on it is named by the next question that may write. Should the
-- old one arrive after all, it does nothing: it was asked again, and nobody hears of it.

for gone in string.gmatch(given_up, '%S+') do
  -- The removal goes first: a server that is out of memory lets it pass, and what follows it too.
  call('DEL', base .. 'given_up:' .. gone)
  call('SET', base .. 'given_up:' .. gone, '', 'EX', KEEP_GIVEN_UP)
end
if call('EXISTS', base .. 'given_up:' .. connection) == 1 then
  return redis.error_reply('LATE this connection was given up, and what was asked on it was asked again')
end
