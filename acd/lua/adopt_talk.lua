-- adopt_talk: call, node, channel, hotline, caller, dialed, queue, priority, queued_at, agent, offer, seat_channel,
-- seen. Asterisk says that the two talk; what Redis says yields (a rebuild after events were missed).
local id, agent_id, offer, seat_channel, seen = ARGV[3], ARGV[12], ARGV[13], ARGV[14], ARGV[15]
local call, agent = load_call(id), load_agent(agent_id)
if call and call.state == 'talking' and call.offer == offer and call.agent == agent_id and
  (not agent or agent.call == id) then return already(agent, call) end
if moved_on(call, seen) then return refuse_moved(id, call) end
if agent and agent.state ~= 'signed_out' and (agent.call == id or not BUSY[agent.state]) then
  unbind(agent)
  agent.call, agent.offer = id, offer
  move(agent, 'talking', '')
else
  agent = nil
end
if call then
  leave_queue(call)
  local other = call.agent ~= agent_id and part(call, '0')
  if other then changed('freed', other) end
else
  call = new_call(id, ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
end
if call.queue == '' then call.queue, call.priority, call.queued_at = ARGV[9], ARGV[10], ARGV[11] end
call.state, call.agent, call.offer, call.seat_channel = 'talking', agent_id, offer, seat_channel
keep_call(call)
changed('answered', agent, call)
return done()
