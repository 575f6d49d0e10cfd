-- enqueue: call, node, channel, hotline, caller, dialed, queue, priority, queued_at, wrap_up_until, revive.
-- A call that waits or is offered keeps its place; one that comes back from a talk gets its old one; revive = '1'
-- (Asterisk still has the channel) wakes a call that was taken for ended.
local id, queue, priority, queued_at, wrap_up_until = ARGV[3], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local call = load_call(id)
if call and call.state == 'ended' and ARGV[13] ~= '1' then return refuse_ended(id) end
if call and call.queue == queue and (call.state == 'waiting' or call.state == 'offered') then
  return already(nil, call)
end
local agent
if call then
  if call.state == 'offered' then
    return refuse('call_offered', 'call ' .. id .. ' is offered to agent ' .. call.agent .. '; end that offer first')
  end
  if call.state == 'talking' then
    agent = load_agent(call.agent)
    if agent and agent.state == 'talking' and agent.call == id then after_talk(agent, wrap_up_until) else agent = nil end
    call.released = call.offer
  end
  leave_queue(call)
  if call.queue ~= queue or call.queued_at == '0' then call.queued_at = queued_at end
else
  call = {id = id, node = ARGV[4], channel = ARGV[5], hotline = ARGV[6], caller = ARGV[7], dialed = ARGV[8],
    queued_at = queued_at, released = ''}
end
call.queue, call.priority = queue, priority
if call.hotline == '' then call.hotline = ARGV[6] end
wait_in_queue(call)
save_call(call)
redis.call('PERSIST', P .. 'call:' .. id)
redis.call('SADD', P .. 'calls', id)
changed('waiting', agent, call)
return done()
