-- seat_state: seat, reachable ('1' or '0'). A phone that is gone takes its ready agent out; its return brings
-- the agent back to the same place among the idle, for the agent did nothing.
local seat, reachable = ARGV[3], ARGV[4] == '1'
local news = redis.call(reachable and 'SREM' or 'SADD', P .. 'unreachable', seat) == 1
local id = redis.call('GET', P .. 'seat:' .. seat)
local agent = id and load_agent(id)
if not news or not agent then return already(agent or nil) end
if reachable and agent.state == 'not_ready' and agent.reason == 'seat_unreachable' then
  make_ready(agent, agent.ready_since)
elseif not reachable and agent.state == 'ready' then
  move(agent, 'not_ready', 'seat_unreachable')
else
  return already(agent)
end
changed(reachable and 'seat_back' or 'seat_lost', agent)
return done()
