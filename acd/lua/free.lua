-- free: agent, call, wrap_up_until. The agent is bound to a call that is bound to somebody else or is no more.
local id, call_id, wrap_up_until = ARGV[3], ARGV[4], ARGV[5]
local agent = load_agent(id)
if not agent or not BUSY[agent.state] or agent.call ~= call_id then return already(agent) end
local call = load_call(call_id)
if call and call.state == agent.state and call.agent == id and call.offer == agent.offer then
  return refuse('call_' .. call.state, 'call ' .. call_id .. ' is ' .. call.state .. ' with agent ' .. id, agent, call)
end
if agent.state == 'talking' then
  after_talk(agent, wrap_up_until)
else
  unbind(agent)
  make_ready(agent, agent.ready_since)
end
changed('freed', agent)
return done()
