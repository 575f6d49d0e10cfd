-- answered: call, offer, agent, seat_channel. The seat took the call. An offer whose lease ran out a moment before
-- still counts as long as neither side was bound anew: the two do talk.
local call_id, offer, agent_id, seat_channel = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local call, agent = load_call(call_id), load_agent(agent_id)
if not call then return refuse_unknown(call_id) end
if call.state == 'ended' then return refuse_ended(call) end
if (call.state == 'talking' or call.state == 'after') and call.offer == offer then return already(agent, call) end
local held = call.state == 'offered' and call.offer == offer
local late = call.state == 'waiting' and call.lapsed == offer
if not held and not late then return refuse_stale(offer, call) end
if agent and (agent.offer == offer or (late and not BUSY[agent.state] and agent.state ~= 'signed_out')) then
  unbind(agent)
  agent.call, agent.offer = call_id, offer
  move(agent, 'talking', '')
elseif late then
  return refuse_stale(offer, call)
else
  agent = nil
end
leave_queue(call)
call.state, call.agent, call.offer, call.lapsed, call.seat_channel = 'talking', agent_id, offer, '', seat_channel
save_call(call)
changed('answered', agent, call)
return done()
