-- release: call, offer, reason. The offer is over unanswered: the call waits at its old place; the agent is not
-- ready for the reason given, or, with reason '', ready at the old place among the idle.
local call_id, offer, reason = ARGV[3], ARGV[4], ARGV[5]
local call = load_call(call_id)
if not call then return refuse_unknown(call_id) end
if call.released == offer then return already(nil, call) end
if call.state ~= 'offered' or call.offer ~= offer then return refuse_stale(offer, call_id) end
local agent = load_agent(call.agent)
if agent and agent.offer == offer then
  unbind(agent)
  if reason == '' then
    make_ready(agent, agent.ready_since)
  else
    move(agent, 'not_ready', reason)
  end
else
  agent = nil
end
call.released = offer
wait_in_queue(call)
save_call(call)
changed('released', agent, call)
return done()
