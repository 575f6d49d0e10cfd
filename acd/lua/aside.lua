-- aside: call, state, seat_channel, wrap_up_until, seen. The call has left the hall's hands and not the house:
-- 'after' (the agent has hung up, the citizen hears the goodbye) or 'fallback' (the static queue has the citizen).
-- With a seat_channel only if the talk is with that leg: a leg that rang in vain ends no talk.
local id, state, seat_channel, wrap_up_until, seen = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local call = load_call(id)
if moved_on(call, seen) then return refuse_moved(id, call) end
if not call then return refuse_unknown(id) end
if call.state == 'ended' or call.state == state then return already(nil, call) end
if seat_channel ~= '' and (call.state ~= 'talking' or call.seat_channel ~= seat_channel) then
  return already(nil, call)
end
leave_queue(call)
local agent = part(call, wrap_up_until)
call.state = state
save_call(call)
changed(state, agent, call)
return done()
