-- arrive: call, node, channel, hotline, caller, dialed. The call is in the house and not in a queue yet.
local id = ARGV[3]
local call = load_call(id)
if call then return already(nil, call) end
call = new_call(id, ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
keep_call(call)
changed('arrived', nil, call)
return done()
