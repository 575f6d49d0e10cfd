-- arrive: call, node, channel, hotline, caller, dialed. The call is in the house and not in a queue yet.
local id = ARGV[3]
local call = load_call(id)
if call then return already(nil, call) end
call = {id = id, state = 'arriving', node = ARGV[4], channel = ARGV[5], hotline = ARGV[6], caller = ARGV[7],
  dialed = ARGV[8], queue = '', priority = '0', queued_at = '0', agent = '', offer = '', released = ''}
save_call(call)
redis.call('SADD', P .. 'calls', id)
changed('arrived', nil, call)
return done()
