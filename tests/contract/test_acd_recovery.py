"""Every engine gone for long, or a Redis that comes back empty: the hall is then what Asterisk says it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.commands import NoEngineError
from tests.contract.acd_rig.rig import Rig
from tests.waiting import until

pytestmark = [pytest.mark.contract, pytest.mark.timeout(120)]

FOREVER = (600.0, 600.0)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    agents = {"1001": ("hall",), "1002": ("hall", "law"), "1003": ("law",)}
    async with Rig(tmp_path, agents, outcomes={"answer": 1}) as made:
        yield made
        assert made.asterisk.faults == []
        assert made.logs() == ""


async def test_every_engine_is_killed_and_the_hall_goes_on_where_asterisk_is(rig: Rig) -> None:
    house = rig.asterisk
    house.talk_seconds = FOREVER
    await rig.start_engines(2)
    await rig.seat_everybody()
    talks = house.call("hall")
    await until(lambda: talks.talks, "the first citizen talks")
    first_agent = talks.agent
    ends = house.call("hall")
    await until(lambda: ends.talks, "the second citizen talks")
    assert (await rig.ask("not_ready", "1003")).ok
    first, gone, second = (house.call("hall") for _ in range(3))
    urgent = house.call("hall", 9)

    async def all_wait() -> bool:
        return list((await rig.calls()).values()).count("waiting") == 4

    await until(all_wait, "four citizens wait")
    for name in list(rig.engines):
        rig.kill(name)
    with pytest.raises(NoEngineError, match=r"no engine answers.*is the platform up\? yht status"):
        await rig.client.call("ready", timeout=0.2, agent="1003")
    house.hang_up(ends)
    house.hang_up(gone)
    newcomer = house.call("hall")
    await rig.start_engines(2)
    other_agent = "1002" if first_agent == "1001" else "1001"
    await until(lambda: urgent.talks, "the urgent one is served first by the agent who is free now")
    assert urgent.agent == other_agent
    assert talks.talks
    assert (await rig.states())[first_agent] == "talking"
    assert (await rig.calls()).keys() == {call.call_id for call in (talks, urgent, first, second, newcomer)}
    assert (await rig.states())["1003"] == "not_ready", "a command of the dead time is not done later"
    house.talk_seconds = (0.01, 0.01)
    house.agent_hangs_up(urgent)
    await until(lambda: not (house.citizens.keys() - {talks.call_id}), "all are served")
    assert house.served[2:] == [call.call_id for call in (urgent, first, second, newcomer)]


async def test_a_talk_that_began_while_no_engine_lived_is_known_afterwards(rig: Rig) -> None:
    house = rig.asterisk
    house.talk_seconds = FOREVER
    await rig.start_engines(1)
    await rig.seat_everybody()
    citizen = house.call("hall")

    async def offered() -> bool:
        return citizen.state == "offered"

    await until(offered, "the phone rings")
    rig.kill("e1")
    await until(lambda: citizen.talks, "the agent answers")
    await rig.start_engines(1)

    async def known() -> bool:
        return (await rig.states())[citizen.agent] == "talking"

    await until(known, "the agent talks")
    call = next(iter((await rig.rows()).calls))
    assert (call.state, call.agent, call.seat_channel) == ("talking", citizen.agent, citizen.leg)
    house.agent_hangs_up(citizen)

    async def free() -> bool:
        return not await rig.calls() and (await rig.states())["1001"] == "ready"

    await until(free, "all are free")


async def test_a_redis_that_comes_back_empty_is_told_what_asterisk_knows(rig: Rig) -> None:
    house = rig.asterisk
    house.talk_seconds = FOREVER
    await rig.start_engines(2)
    await rig.seat_everybody()
    talks = house.call("law")
    await until(lambda: talks.talks, "a citizen talks")
    agent = talks.agent
    for other in rig.agents.keys() - {agent}:
        await rig.ask("not_ready", other)
    waiting = [house.call("law") for _ in range(3)]

    async def all_wait() -> bool:
        return list((await rig.calls()).values()).count("waiting") == 3

    await until(all_wait, "three citizens wait")
    rig.stop_redis()
    newcomer = house.call("law", 1)
    house.hang_up(waiting.pop(1))
    await rig.start_redis()

    async def rebuilt() -> bool:
        return await rig.calls() == {
            talks.call_id: "talking",
            **{call.call_id: "waiting" for call in (*waiting, newcomer)},
        }

    await until(rebuilt, "Redis knows what Asterisk knows")
    assert await rig.states() == {agent: "talking"}
    places = {call.id: call.queued_at for call in (await rig.rows()).calls}
    assert all(places[call.call_id] == call.queued_at for call in (talks, newcomer, *waiting))
    house.talk_seconds = (0.01, 0.01)
    house.agent_hangs_up(talks)
    await until(lambda: not house.citizens, "who talked serves those who wait")
    assert house.served[1:] == [call.call_id for call in (newcomer, *waiting)]
    reply = await rig.ask("sign_in", "1001" if agent != "1001" else "1002")
    assert reply.ok


async def test_a_redis_that_was_emptied_under_our_feet_is_noticed(rig: Rig) -> None:
    house = rig.asterisk
    house.talk_seconds = (0.01, 0.01)
    await rig.start_engines(1)
    await rig.seat_everybody(ready=False)
    call = house.call("hall")

    async def known() -> bool:
        return call.call_id in await rig.calls()

    await until(known, "the citizen waits")
    await rig.redis.flushall()
    assert (await rig.ask("sign_in", "1001")).ok
    assert (await rig.ask("ready", "1001")).ok
    await until(lambda: not house.citizens, "the citizen is served all the same")


async def test_a_phone_that_answers_and_drops_every_call_does_not_spin(rig: Rig) -> None:
    house = rig.asterisk
    house.outcomes = {"answered_and_gone": 1}
    await rig.start_engines(2)
    await rig.seat_everybody()
    citizen = house.call("hall")

    async def out() -> bool:
        states = await rig.rows()
        return {agent.id: agent.reason for agent in states.agents if agent.reason} == {
            "1001": "hung_up_at_once",
            "1002": "hung_up_at_once",
        }

    await until(out, "both agents of the queue are out")
    assert citizen.offers == 2
    house.outcomes = {"answer": 1}
    house.talk_seconds = (0.01, 0.01)
    await rig.ask("ready", "1002")
    await until(lambda: not house.citizens, "the citizen is served")


async def test_commands_are_done_once_and_refusals_are_clear(rig: Rig) -> None:
    await rig.start_engines(2)
    for name, args, error in (
        ("sign_in", {"agent": "9999"}, "agent 9999 is not in the city's agents.yaml"),
        (
            "sign_in",
            {"agent": "1001", "seat": "77"},
            "seat 77 is not among the seats of the city's agents.yaml",
        ),
        (
            "sign_in",
            {"agent": "1001", "queues": ["law"]},
            "agent 1001 does not serve queue law; it may be hall",
        ),
        ("sign_in", {"agent": "1001", "queues": "hall"}, "sign_in: queues is a list of names"),
        ("ready", {"agent": "1001"}, "agent 1001 is not signed in"),
        ("ready", {"agent": 7}, "ready: agent is a text"),
        ("ready", {}, "which agent?"),
        ("ready", {"agent": "1001", "x": "y"}, "ready takes agent, not 'x'"),
        ("dance", {}, "there is no command 'dance'"),
    ):
        reply = await rig.client.call(name, **args)
        assert not reply.ok
        assert reply.error.startswith(error)
    reply = await rig.ask("sign_in", "1002")
    assert reply.data == {
        "agent": "1002",
        "seat": "1002",
        "state": "not_ready",
        "reason": "signed_in",
        "queues": ["hall", "law"],
    }
    reply = await rig.client.call("sign_in", agent="1001", seat="1002")
    assert reply.code == "seat_taken"
    rig.asterisk.talk_seconds = FOREVER
    await rig.ask("ready", "1002")
    citizen = rig.asterisk.call("law")
    await until(lambda: citizen.talks, "they talk")

    async def talks() -> bool:
        return (await rig.states())["1002"] == "talking"

    await until(talks, "Redis knows")
    reply = await rig.client.call("sign_out", agent="1002")
    assert reply.error == "agent 1002 is talking; finish the call first"


async def test_the_same_command_told_twice_is_done_once(rig: Rig) -> None:
    await rig.start_engines(2)
    fields = {"id": "c1", "name": "sign_in", "args": '{"agent": "1001"}', "until": "0"}
    await rig.redis.xadd("{yht}:commands", fields)
    first = await rig.redis.blpop(["{yht}:reply:c1"], 4)
    await rig.ask("sign_out", "1001")
    await rig.redis.xadd("{yht}:commands", fields)
    again = await rig.redis.blpop(["{yht}:reply:c1"], 4)
    assert first == again
    assert await rig.states() == {}


async def test_rubbish_among_the_commands_is_refused_and_stops_nothing(rig: Rig) -> None:
    await rig.start_engines(1)
    for fields in (
        {"x": "y"},
        {"id": "r1", "name": "ready", "args": "["},
        {"id": "r2", "name": "ready", "args": "[1]"},
        {"id": "r3", "name": "ready", "args": "{}" + " " * 10_000},
        {"id": "r" * 100, "name": "ready", "args": "{}"},
        {"id": "r4", "name": "ready", "args": "{}", "until": "soon"},
        {"id": "r5", "name": "ready", "args": "[" * 4000},
    ):
        await rig.redis.xadd("{yht}:commands", fields)
    assert (await rig.ask("sign_in", "1001")).ok
    pending = await rig.redis.xpending("{yht}:commands", "engines")
    assert pending["pending"] == 0


async def test_what_an_engine_left_undone_another_does_while_the_client_waits(rig: Rig) -> None:
    await rig.start_engines(1)
    assert (await rig.ask("sign_in", "1001")).ok
    fields = {"id": "c9", "name": "ready", "args": '{"agent": "1001"}'}
    asking = asyncio.create_task(rig.redis.blpop(["{yht}:reply:c9"], 4))
    rig.engines["e1"].send_signal(19)  # SIGSTOP: alive, and deaf
    await rig.redis.xadd("{yht}:commands", fields)
    await rig.redis.xreadgroup("engines", "dead", {"{yht}:commands": ">"})
    await rig.start_engines(1)
    assert (await asking) is not None
    assert await rig.states() == {"1001": "ready"}
