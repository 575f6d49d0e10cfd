-- expire: limit. What ran out by now: offers nobody told the end of (the call waits at its old place, the agent
-- is ready as before) and wrap-ups (the agent is ready).
local due = redis.call('ZRANGEBYSCORE', P .. 'leases', '-inf', NOW, 'LIMIT', 0, ARGV[3])
for _, id in ipairs(due) do
  local agent = load_agent(id)
  if agent and agent.state == 'offered' then
    local call, offer = load_call(agent.call), agent.offer
    unbind(agent)
    make_ready(agent, agent.ready_since)
    if call and call.state == 'offered' and call.offer == offer then
      call.lapsed = offer
      wait_in_queue(call)
      save_call(call)
    else
      call = nil
    end
    changed('lease_expired', agent, call)
  elseif agent and agent.state == 'wrap_up' then
    unbind(agent)
    make_ready(agent, NOW)
    changed('wrap_up_over', agent)
  else
    redis.call('ZREM', P .. 'leases', id)
  end
end
return done()
