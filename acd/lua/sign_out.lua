-- sign_out: agent, reason. The seat is free again; an agent with a call finishes it first.
local id, reason = ARGV[3], ARGV[4]
local agent = load_agent(id)
if not agent or agent.state == 'signed_out' then return already(agent) end
if BUSY[agent.state] then return refuse_busy(agent) end
unbind(agent)
move(agent, 'signed_out', reason)
redis.call('DEL', P .. 'seat:' .. agent.seat)
redis.call('SREM', P .. 'agents', id)
redis.call('EXPIRE', P .. 'agent:' .. id, 86400)
changed('signed_out', agent)
return done()
