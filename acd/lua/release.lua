-- release: call, offer. The offer is over before the seat was rung (the citizen's channel could not be redirected):
-- the call waits at its old place, the agent is ready at the old place among the idle.
local call_id, offer = ARGV[3], ARGV[4]
local call = load_call(call_id)
if not call then return refuse_unknown(call_id) end
if is_over(call, offer) then return already(nil, call) end
if call.state ~= 'offered' or call.offer ~= offer then return refuse_stale(offer, call) end
local agent = part(call, '0')
call.released = offer
wait_in_queue(call)
save_call(call)
changed('released', agent, call)
return done()
