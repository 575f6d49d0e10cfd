-- Put before every script: rows, facts, live events and refusals are written in one way.
--
-- Every script is called with KEYS[1] = {yht}:facts (all keys share its slot), ARGV[1] = now in microseconds
-- (digits), ARGV[2] = the engine that asks; its own arguments follow from ARGV[3]. It answers
-- {1 or 0, code, sentence, live id, change, live id, change, ...}. A change is the JSON that also goes to
-- {yht}:live. Where nothing changed (done before, or refused) it tells the rows as they are, and its live id is
-- that of the newest event: whoever asked with an old picture has a new one at once.
--
-- Times stay strings of digits: cjson and tostring keep 14 digits of a number, a time has 16.

local P = '{yht}:'
local NOW, BY = ARGV[1], ARGV[2]
local changes = {}

local function load(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then return nil end
  local row = {}
  for i = 1, #flat, 2 do row[flat[i]] = flat[i + 1] end
  return row
end

local function load_agent(id)
  local agent = load(P .. 'agent:' .. id)
  if agent then agent.id = id end
  return agent
end

local function load_call(id)
  local call = load(P .. 'call:' .. id)
  if call then call.id = id end
  return call
end

local function save(key, row)
  local flat = {}
  for name, value in pairs(row) do
    if name ~= 'id' then
      flat[#flat + 1] = name
      flat[#flat + 1] = value
    end
  end
  redis.call('HSET', key, unpack(flat))
end

local function save_agent(agent) save(P .. 'agent:' .. agent.id, agent) end
local function save_call(call) save(P .. 'call:' .. call.id, call) end

local function node_of(call_id) return string.match(call_id, '^(%w+)%-') or '' end

-- The id is made of what happened, so that the ledger takes a repeated telling for the same fact.
local function fact(id, kind, call_id, data)
  redis.call('XADD', P .. 'facts', '*', 'f',
    '{"fact_id":' .. cjson.encode(id) .. ',"kind":"' .. kind .. '","at":' .. NOW ..
    ',"call_id":' .. cjson.encode(call_id) .. ',"leg":"","node":"' .. node_of(call_id) ..
    '","data":' .. cjson.encode(data) .. '}')
end

local function describe(what, agent, call)
  return cjson.encode({by = BY, at = NOW, what = what, agent = agent, call = call})
end

local function changed(what, agent, call)
  local event = describe(what, agent, call)
  changes[#changes + 1] = redis.call('XADD', P .. 'live', 'MAXLEN', '~', '10000', '*', 'e', event)
  changes[#changes + 1] = event
end

local function newest()
  local last = redis.call('XREVRANGE', P .. 'live', '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or '0-0'
end

local function done() return {1, 'done', '', unpack(changes)} end
local function already(agent, call) return {1, 'already', '', newest(), describe('seen', agent, call)} end
local function refuse(code, sentence, agent, call)
  return {0, code, sentence, newest(), describe('seen', agent, call)}
end

-- Moves an agent to a state; what else the row holds is the caller's to set before.
local function move(agent, state, reason)
  local before = agent.state
  agent.state, agent.reason, agent.since = state, reason, NOW
  save_agent(agent)
  fact('agent_state:' .. agent.id .. ':' .. NOW .. ':' .. state, 'agent_state', agent.call,
    {agent = agent.id, seat = agent.seat, state = state, reason = reason, before = before})
end

local function unbind(agent)
  agent.call, agent.offer, agent.lease = '', '', '0'
  redis.call('ZREM', P .. 'leases', agent.id)
end

-- An agent who may take calls again is ready only if the phone can be rung; its return restores the agent.
local function make_ready(agent, ready_since)
  agent.ready_since = ready_since
  if redis.call('SISMEMBER', P .. 'unreachable', agent.seat) == 1 then
    move(agent, 'not_ready', 'seat_unreachable')
  else
    move(agent, 'ready', '')
  end
end

-- After a talk: wrap-up until the given time, or ready at once when there is none ('0').
local function after_talk(agent, wrap_up_until)
  local call = agent.call
  unbind(agent)
  if wrap_up_until == '0' then
    make_ready(agent, NOW)
  else
    agent.call, agent.lease = call, wrap_up_until
    redis.call('ZADD', P .. 'leases', wrap_up_until, agent.id)
    move(agent, 'wrap_up', '')
  end
end

-- Lets go of the agent that a call is bound to: one who talked has wrap-up, one who was rung is ready at the old
-- place among the idle. Returns the agent, or nil if none is bound to the call.
local function part(call, wrap_up_until)
  local agent = call.agent ~= '' and load_agent(call.agent) or nil
  if not agent or agent.call ~= call.id then return nil end
  if agent.state == 'talking' then
    after_talk(agent, wrap_up_until)
  elseif agent.state == 'offered' then
    unbind(agent)
    make_ready(agent, agent.ready_since)
  else
    return nil
  end
  return agent
end

local function new_call(id, node, channel, hotline, caller, dialed)
  return {id = id, state = 'arriving', node = node, channel = channel or '', hotline = hotline or '',
    caller = caller or '', dialed = dialed or '', queue = '', priority = '0', queued_at = '0', agent = '', offer = '',
    seat_channel = '', released = '', lapsed = ''}
end

local function keep_call(call)
  save_call(call)
  redis.call('PERSIST', P .. 'call:' .. call.id)
  redis.call('SADD', P .. 'calls', call.id)
end

local function score(call)
  return string.format('%.0f', -tonumber(call.priority) * 1e13 + math.floor(tonumber(call.queued_at) / 1000))
end

local function wait_in_queue(call)
  call.state, call.agent, call.offer, call.seat_channel = 'waiting', '', '', ''
  redis.call('ZADD', P .. 'queue:' .. call.queue, score(call), call.id)
end

local function leave_queue(call)
  if call.queue ~= '' then redis.call('ZREM', P .. 'queue:' .. call.queue, call.id) end
end

-- An offer is over when it was told to be (released) or when its lease ran out untold (lapsed).
local function is_over(call, offer) return call.released == offer or call.lapsed == offer end

local BUSY = {
  offered = ' is being offered a call; answer it or let it ring out first',
  talking = ' is talking; finish the call first',
}

local function refuse_busy(agent)
  return refuse('agent_' .. agent.state, 'agent ' .. agent.id .. BUSY[agent.state], agent)
end

local function refuse_signed_out(id) return refuse('not_signed_in', 'agent ' .. id .. ' is not signed in') end
local function refuse_unknown(id) return refuse('unknown_call', 'call ' .. id .. ' is not known') end
local function refuse_ended(call) return refuse('call_ended', 'call ' .. call.id .. ' has ended', nil, call) end
local function refuse_stale(offer, call)
  return refuse('stale_offer', 'offer ' .. offer .. ' of call ' .. call.id .. ' is over', nil, call)
end

-- A resync judges what it saw a moment ago: `seen` is "state:offer" of the call then, '' if there was none that
-- lives; '-' judges nothing.
local function moved_on(call, seen)
  return seen ~= '-' and seen ~= (call and call.state ~= 'ended' and call.state .. ':' .. call.offer or '')
end
local function refuse_moved(id, call)
  return refuse('moved_on', 'call ' .. id .. ' has moved on since it was looked at', nil, call)
end
