-- answered: call, offer, agent. The seat took the call. An offer whose lease ran out a moment before still counts
-- as long as neither side was bound anew: the two do talk.
local call_id, offer, agent_id = ARGV[3], ARGV[4], ARGV[5]
local call, agent = load_call(call_id), load_agent(agent_id)
if not call then return refuse_unknown(call_id) end
if call.state == 'ended' then return refuse_ended(call_id) end
if call.state == 'talking' and call.offer == offer then return already(agent, call) end
local held = call.state == 'offered' and call.offer == offer
local late = call.state == 'waiting' and call.released == offer
if not held and not late then return refuse_stale(offer, call_id) end
if agent and (agent.offer == offer or (late and not BUSY[agent.state] and agent.state ~= 'signed_out')) then
  unbind(agent)
  agent.call, agent.offer = call_id, offer
  move(agent, 'talking', '')
elseif late then
  return refuse_stale(offer, call_id)
end
leave_queue(call)
call.state, call.agent, call.offer, call.released = 'talking', agent_id, offer, ''
save_call(call)
changed('answered', agent, call)
return done()
