-- sign_in: agent, seat, queues (comma-separated). The agent is at the seat, not ready yet.
local id, seat, queues = ARGV[3], ARGV[4], ARGV[5]
local agent = load_agent(id)
local holder = redis.call('GET', P .. 'seat:' .. seat)
if holder and holder ~= id then
  return refuse('seat_taken', 'seat ' .. seat .. ' is taken by agent ' .. holder .. '; sign that agent out first', agent)
end
if agent and agent.state ~= 'signed_out' then
  if agent.seat ~= seat then
    return refuse('signed_in_elsewhere',
      'agent ' .. id .. ' is signed in at seat ' .. agent.seat .. '; sign out there first', agent)
  end
  if agent.queues == queues then return already(agent) end
  agent.queues = queues
  save_agent(agent)
  changed('queues_changed', agent)
  return done()
end
agent = {id = id, state = 'signed_out', reason = '', since = NOW, ready_since = '0', seat = seat,
  queues = queues, call = '', offer = '', lease = '0'}
redis.call('PERSIST', P .. 'agent:' .. id)
redis.call('SET', P .. 'seat:' .. seat, id)
redis.call('SADD', P .. 'agents', id)
move(agent, 'not_ready', 'signed_in')
changed('signed_in', agent)
return done()
