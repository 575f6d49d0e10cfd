-- ended: call, wrap_up_until. The citizen is gone: a rung agent is ready again at the old place among the idle,
-- one who talked has wrap-up.
local id, wrap_up_until = ARGV[3], ARGV[4]
local call = load_call(id)
if not call then
  -- Its arrival may be told after its end, on another way; it must not live for ever then.
  call = new_call(id, node_of(id))
  call.state = 'ended'
  save_call(call)
  redis.call('EXPIRE', P .. 'call:' .. id, 300)
  return already(nil, call)
end
if call.state == 'ended' then return already(nil, call) end
leave_queue(call)
local agent = part(call, wrap_up_until)
call.state = 'ended'
save_call(call)
redis.call('SREM', P .. 'calls', id)
redis.call('EXPIRE', P .. 'call:' .. id, 3600)
changed('ended', agent, call)
return done()
