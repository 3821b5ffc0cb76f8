--! head fence unit ring bell job unique endings accept
-- Accepts all of the jobs, or none because a unique key is taken.

local answers, key, holder = accept(given.jobs, false)
if not answers then
  return {'taken', key, holder}
end
finish()
for _, answer in ipairs(answers) do
  if answer then
    return {'some', unpack(answers)}
  end
end
return {'all'}
