-- ready: agent. Ends a pause or a wrap-up; an agent who was ready keeps the place among the idle. Where the phone
-- can not be rung the agent is ready as soon as it is back.
local id = ARGV[3]
local agent = load_agent(id)
if not agent or agent.state == 'signed_out' then return refuse_signed_out(id) end
if BUSY[agent.state] then return refuse_busy(agent) end
if agent.state == 'ready' then return already(agent) end
if agent.reason == 'seat_unreachable' and redis.call('SISMEMBER', P .. 'unreachable', agent.seat) == 1 then
  return already(agent)
end
unbind(agent)
make_ready(agent, NOW)
changed('ready', agent)
return done()
