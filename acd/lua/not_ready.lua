-- not_ready: agent, reason.
local id, reason = ARGV[3], ARGV[4]
local agent = load_agent(id)
if not agent or agent.state == 'signed_out' then return refuse_signed_out(id) end
if BUSY[agent.state] then return refuse_busy(agent) end
if agent.state == 'not_ready' and agent.reason == reason then return already(agent) end
unbind(agent)
agent.ready_since = '0'
move(agent, 'not_ready', reason)
changed('not_ready', agent)
return done()
