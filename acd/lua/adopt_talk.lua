-- adopt_talk: call, node, channel, hotline, caller, dialed, queue, priority, queued_at, agent, offer.
-- Asterisk says that the two talk; what Redis says yields (a rebuild after events were missed).
local id, agent_id, offer = ARGV[3], ARGV[12], ARGV[13]
local call, agent = load_call(id), load_agent(agent_id)
if call and call.state == 'talking' and call.agent == agent_id and agent and agent.state == 'talking' and
  agent.call == id then return already(agent, call) end
if agent and agent.state ~= 'signed_out' and (agent.call == id or not BUSY[agent.state]) then
  unbind(agent)
  agent.call, agent.offer = id, offer
  move(agent, 'talking', '')
else
  agent = nil
end
if call then
  leave_queue(call)
  local other = call.agent ~= '' and call.agent ~= agent_id and load_agent(call.agent)
  if other and other.call == id and BUSY[other.state] then
    unbind(other)
    make_ready(other, other.ready_since)
    changed('freed', other)
  end
else
  call = {id = id, node = ARGV[4], channel = ARGV[5], hotline = ARGV[6], caller = ARGV[7], dialed = ARGV[8],
    queue = ARGV[9], priority = ARGV[10], queued_at = ARGV[11]}
end
call.state, call.agent, call.offer, call.released = 'talking', agent_id, offer, ''
save_call(call)
redis.call('PERSIST', P .. 'call:' .. id)
redis.call('SADD', P .. 'calls', id)
changed('answered', agent, call)
return done()
