"""Four engines at once, killed at random, while everything happens: nobody is bound twice, nobody is lost."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from acd.rows import change
from cti import facts
from tests.contract.acd_rig.rig import Rig, collected
from tests.waiting import until

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]

QUEUES = ("hall", "law", "water")
SECONDS = 12.0
CALLS_PER_SECOND = 30.0
ALLOWED = {"", "agent_offered", "agent_talking", "not_signed_in", "seat_taken", "signed_in_elsewhere"}


class Chaos:
    """What people do, and what falls."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig = rig
        self.rng = random.Random(seed)
        self.refused: set[str] = set()
        self.until = time.monotonic() + SECONDS

    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    async def citizens(self) -> None:
        while self.goes_on():
            self.rig.asterisk.call(self.rng.choice(QUEUES), self.rng.choice((0, 0, 0, 5)))
            waiting = [one for one in self.rig.asterisk.citizens.values() if one.state == "waiting"]
            if waiting and self.rng.random() < 0.08:
                self.rig.asterisk.hang_up(self.rng.choice(waiting))
            await asyncio.sleep(self.rng.expovariate(CALLS_PER_SECOND))

    async def agents(self) -> None:
        while self.goes_on():
            agent = self.rng.choice(list(self.rig.agents))
            name = self.rng.choice(("sign_out", "sign_in", "ready", "ready", "ready", "not_ready"))
            reply = await self.rig.ask(name, agent)
            if name in ("sign_out", "sign_in") and reply.ok:
                await self.rig.ask("sign_in", agent)
                await self.rig.ask("ready", agent)
            self.refused.add(reply.code)
            await asyncio.sleep(0.02)

    async def care(self) -> None:
        """Those whom a missed call made not ready come back."""
        while self.goes_on():
            for agent, state in (await self.rig.states()).items():
                if state == "not_ready":
                    await self.rig.ask("ready", agent)
            await asyncio.sleep(0.1)

    async def kills(self) -> None:
        while self.goes_on():
            await asyncio.sleep(0.7)
            self.rig.kill(self.rng.choice(list(self.rig.engines)))
            await self.rig.start_engines(1)


def check_facts(told: Iterable[facts.Fact]) -> int:
    """Follow every agent and call through the facts; return how many offers there were."""
    state: dict[str, str] = {}
    holds: dict[str, str] = {}
    held: dict[str, str] = {}
    offers = 0
    pending: dict[str, str] = {}
    for fact in told:
        agent = str(fact.data["agent"])
        if fact.kind == "offered":
            offers += 1
            assert state.get(agent) == "ready", f"{agent} was offered a call while {state.get(agent)}"
            assert fact.call_id not in held, f"{fact.call_id} was offered to {agent} and {held[fact.call_id]}"
            held[fact.call_id], holds[agent] = agent, fact.call_id
            pending[agent] = fact.call_id
            continue
        assert fact.kind == "agent_state"
        before, after = str(fact.data["before"]), str(fact.data["state"])
        assert state.get(agent, "signed_out") == before, f"{agent} was {state.get(agent)} and not {before}"
        if after == "offered":
            assert pending.pop(agent) == fact.call_id
        elif after == "talking":
            if before != "offered":  # an adopted talk, or an answer in the moment after the lease
                held[fact.call_id], holds[agent] = agent, fact.call_id
            assert holds[agent] == fact.call_id
        elif agent in holds:
            held.pop(holds.pop(agent), None)
        state[agent] = after
    return offers


def check_places(events: Iterable[tuple[str, Any]]) -> list[str]:
    """Follow the queues through the live events; return which calls were served before an older one.

    On a busy machine an engine may hear late of the older one, or claim it in vain meanwhile: only a call that
    has waited longer than that, and does not rest after an offer that failed, was passed over.
    """
    place: dict[str, int] = {}
    waiting: dict[str, tuple[str, tuple[int, int, str], int]] = {}
    rests: dict[str, int] = {}
    passed_over: list[str] = []
    for event in events:
        one = change(event[0], event[1]["e"])
        call = one.call
        if call is None:
            continue
        if call.queued_at:
            assert place.setdefault(call.id, call.queued_at) == call.queued_at, f"{call.id} lost the place"
        before = waiting.pop(call.id, None)
        if call.state == "waiting":
            waiting[call.id] = (call.queue, (-call.priority, call.queued_at, call.id), one.at)
            if one.what != "waiting" or call.id in rests:
                rests[call.id] = one.at
            rests.setdefault(call.id, 0)
        elif one.what == "offered" and before is not None:
            for other, (queue, rank, since) in waiting.items():
                fresh = one.at - since < 2_000_000 or one.at - rests[other] < 4_000_000
                if queue == call.queue and rank < before[1] and not fresh:
                    passed_over.append(f"{call.id} by {one.by}, {other} had waited {one.at - since} µs")
    return passed_over


@pytest.mark.parametrize("seed", [1, 2])
async def test_nobody_is_bound_twice_and_nobody_is_lost(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    agents = {str(1000 + number): tuple(rng.sample(QUEUES, rng.randrange(1, 4))) for number in range(24)}
    rig = Rig(tmp_path, agents, wrap_up={"law": 1}, seed=seed)
    async with rig, collected(rig.redis, "{yht}:live") as events:
        await rig.start_engines(4)
        await rig.seat_everybody()
        chaos = Chaos(rig, seed)
        async with asyncio.TaskGroup() as group:
            for work in (chaos.citizens, chaos.agents, chaos.care, chaos.kills):
                group.create_task(work())
        rig.asterisk.outcomes = {"answer": 1}

        async def all_served() -> bool:
            for agent, state in (await rig.states()).items():
                if state == "not_ready":
                    await rig.ask("ready", agent)
            return not rig.asterisk.citizens

        await until(all_served, "every citizen was served", 40)

        async def all_free() -> bool:
            rows = await rig.rows()
            return not rows.calls and all(agent.state == "ready" for agent in rows.agents)

        await until(all_free, "every agent is free", 20)
        told = [facts.decode(entry["f"]) for _, entry in await rig.redis.xrange("{yht}:facts")]
        assert await rig.redis.zcard("{yht}:leases") == 0
        assert [key async for key in rig.redis.scan_iter("{yht}:queue:*")] == []
    assert rig.asterisk.faults == []
    assert rig.logs() == ""
    assert chaos.refused <= ALLOWED
    offers = check_facts(told)
    passed_over = check_places(events)
    assert offers >= rig.asterisk.counts["answer"] > 50
    assert len({fact.fact_id for fact in told}) == len(told)
    assert passed_over == []
    print(json.dumps({"offers": offers, **rig.asterisk.counts}))  # noqa: T201
