-- claim: call, agent, offer, lease_until, ready, waiting. The one step that binds a waiting call to a ready agent.
-- ready and waiting are what the decision saw: how many agents and calls could have been chosen in this queue.
local call_id, agent_id, offer, lease = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local call, agent = load_call(call_id), load_agent(agent_id)
if not call then return refuse_unknown(call_id) end
if call.state == 'ended' then return refuse_ended(call) end
if not agent or agent.state == 'signed_out' then return refuse_signed_out(agent_id) end
if call.state == 'offered' and call.offer == offer and agent.offer == offer then return already(agent, call) end
if is_over(call, offer) then return refuse_stale(offer, call) end
if call.state ~= 'waiting' then
  return refuse('call_not_waiting', 'call ' .. call_id .. ' is ' .. call.state ..
    (call.agent ~= '' and ' with agent ' .. call.agent or ''), agent, call)
end
if agent.state ~= 'ready' then
  return refuse('agent_not_ready', 'agent ' .. agent_id .. ' is ' .. agent.state .. ', not ready', agent, call)
end
if not string.find(',' .. agent.queues .. ',', ',' .. call.queue .. ',', 1, true) then
  return refuse('not_in_queue', 'agent ' .. agent_id .. ' does not serve queue ' .. call.queue, agent, call)
end
local function ms_since(time) return math.max(0, math.floor((tonumber(NOW) - tonumber(time)) / 1000)) end
call.state, call.agent, call.offer, call.lapsed = 'offered', agent_id, offer, ''
save_call(call)
agent.call, agent.offer, agent.lease = call_id, offer, lease
redis.call('ZADD', P .. 'leases', lease, agent_id)
fact('offered:' .. offer, 'offered', call_id, {agent = agent_id, seat = agent.seat, offer = offer,
  queue = call.queue, waited_ms = ms_since(call.queued_at), idle_ms = ms_since(agent.ready_since),
  ready = tonumber(ARGV[7]), waiting = tonumber(ARGV[8])})
move(agent, 'offered', '')
changed('offered', agent, call)
return done()
