-- snapshot: everything that lives, at one instant: {last live id, unreachable seats, agents, calls, next lease}.
local last = redis.call('XREVRANGE', P .. 'live', '+', '-', 'COUNT', 1)
local agents, calls = {}, {}
for _, id in ipairs(redis.call('SMEMBERS', P .. 'agents')) do
  local agent = load_agent(id)
  if agent then agents[#agents + 1] = cjson.encode(agent) end
end
for _, id in ipairs(redis.call('SMEMBERS', P .. 'calls')) do
  local call = load_call(id)
  if call then calls[#calls + 1] = cjson.encode(call) else redis.call('SREM', P .. 'calls', id) end
end
local lease = redis.call('ZRANGE', P .. 'leases', 0, 0, 'WITHSCORES')
return {last[1] and last[1][1] or '0-0', redis.call('SMEMBERS', P .. 'unreachable'), agents, calls, lease}
