-- enqueue: call, node, channel, hotline, caller, dialed, queue, priority, queued_at, offer, reason, seen.
-- The call is in the waiting room: for the first time (offer ''), or back from an offer that came to nothing, then
-- at its old place. That offer's agent is not ready for the reason given, or, with '', the last among the ready.
-- With `seen` (a resync: Asterisk has the channel) a call that was taken for ended is woken.
local id, queue, priority, queued_at = ARGV[3], ARGV[9], ARGV[10], ARGV[11]
local offer, reason, seen = ARGV[12], ARGV[13], ARGV[14]
local call = load_call(id)
if moved_on(call, seen) then return refuse_moved(id, call) end
local agent
if call then
  if call.state == 'ended' and seen == '-' then return refuse_ended(call) end
  if call.state == 'waiting' then return already(nil, call) end
  if call.state == 'offered' or call.state == 'talking' or call.state == 'after' then
    -- Told late: this entry was followed by an offer since, told by another engine.
    if offer == '' then return already(nil, call) end
    if call.offer ~= offer then return refuse_stale(offer, call) end
    agent = load_agent(call.agent)
    local bound = agent and agent.call == id and (BUSY[agent.state] or agent.state == 'wrap_up')
    if bound or (agent and call.state == 'after' and agent.state == 'ready') then
      if reason ~= '' then
        unbind(agent)
        move(agent, 'not_ready', reason)
      elseif agent.state == 'offered' or agent.state == 'talking' then
        unbind(agent)
        make_ready(agent, NOW)
      else
        agent = nil
      end
    else
      agent = nil
    end
  end
  if call.queue ~= queue then
    leave_queue(call)
    call.queued_at = '0'
  end
else
  call = new_call(id, ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
end
call.queue, call.priority = queue, priority
if call.queued_at == '0' then call.queued_at = queued_at end
if call.hotline == '' then call.hotline = ARGV[6] end
if offer ~= '' then call.released = offer end
wait_in_queue(call)
keep_call(call)
changed('waiting', agent, call)
return done()
