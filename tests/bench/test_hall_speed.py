"""How fast the hall decides and offers: the pure match, and a whole engine on a real Redis with Asterisk faked."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from acd.hall import Hall
from acd.matching import Matcher, ReadyAgent, WaitingCall
from acd.policy import Policy
from acd.resync import Sight
from acd.store import Store
from cti.signals import Answered, Gone, Waiting
from tests.contract.conftest import redis_socket

pytestmark = [pytest.mark.bench, pytest.mark.timeout(120)]

__all__ = ["redis_socket"]

AGENTS, CALLS, QUEUES = 1000, 500, 10


def now_us() -> int:
    return time.time_ns() // 1000


def told(name: str, seconds: list[float]) -> float:
    """Print the percentiles of a list of seconds and return the 95th, in milliseconds."""
    ranked = sorted(seconds)
    p50, p95, p99 = (1000 * ranked[int(len(ranked) * share)] for share in (0.5, 0.95, 0.99))
    print(f"{name}: p50 {p50:.2f} ms, p95 {p95:.2f} ms, p99 {p99:.2f} ms")  # noqa: T201
    return p95


def test_the_match_decides_thousands_of_times_a_second() -> None:
    rng = random.Random(1)
    matcher = Matcher()
    for number in range(CALLS):
        matcher.put_call(WaitingCall(f"n1-{number}", f"q{number % QUEUES}", rng.randrange(3), number))
    served = [tuple(f"q{queue}" for queue in rng.sample(range(QUEUES), 3)) for _ in range(AGENTS)]
    rounds = 20_000
    began = time.perf_counter()
    for number in range(rounds):
        matcher.put_agent(ReadyAgent(str(number % AGENTS), served[number % AGENTS], number))
        found = matcher.next()
        assert found is not None
        matcher.put_call(WaitingCall(found.call, found.queue, rng.randrange(3), CALLS + number))
    rate = rounds / (time.perf_counter() - began)
    print(f"matching_rate_{AGENTS}: {rate:.0f} decisions/s beside {CALLS} waiting")  # noqa: T201
    assert rate > 5_000


class Watched:
    """Counts offers and times each from the moment that made it possible."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        self.took: list[float] = []
        self.offers = 0
        self.last: tuple[str, str, str, str] = ("", "", "", "")
        self.came = asyncio.Event()

    async def offer(self, node: str, channel: str, seat: str, offer: str, agent: str) -> None:
        began = self.since.get(channel, self.since.get("freed"))
        if began is not None:
            self.took.append(time.perf_counter() - began)
        self.offers += 1
        self.last = (channel, seat, offer, agent)
        self.came.set()

    async def look(self, node: str) -> Sight:
        return Sight((), ())


async def test_a_whole_engine(redis_socket: Path) -> None:
    redis: Any = Redis.from_url(f"unix://{redis_socket}", decode_responses=True)
    steer = Watched()
    hall = Hall(Store(redis, "e1", now_us), steer, Policy(), now_us)
    await hall.start()
    await hall.resync("n1")
    agents = [str(number) for number in range(AGENTS)]
    await asyncio.gather(*(hall.sign_in(agent, agent, ("hall",)) for agent in agents))
    await asyncio.gather(*(hall.ready(agent) for agent in agents))

    def wait(number: int, kind: str) -> None:
        hall.signal(
            Waiting(f"n1-{number}.{kind}", f"c{number}.{kind}", "n1", "", "hall", 0, now_us(), "", "", "")
        )

    def gone(number: int, kind: str) -> None:
        hall.signal(Gone(f"n1-{number}.{kind}", f"c{number}.{kind}", True, "", 16))

    began = time.perf_counter()
    for number in range(AGENTS):
        wait(number, "1")
    while steer.offers < AGENTS:
        steer.came.clear()
        await steer.came.wait()
    rate = AGENTS / (time.perf_counter() - began)
    print(f"burst: {rate:.0f} calls/s queued, claimed and offered")  # noqa: T201
    for number in range(AGENTS):
        gone(number, "1")
    while hall.health()["calls"]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)

    for number in range(500):
        steer.came.clear()
        steer.since[f"c{number}.2"] = time.perf_counter()
        wait(number, "2")
        await steer.came.wait()
        gone(number, "2")
        await asyncio.sleep(0.002)
    assert told("call waits → redirect", steer.took) < 20

    steer.since.clear()
    await asyncio.gather(*(hall.not_ready(agent) for agent in agents))
    for number in range(CALLS):
        wait(number, "3")
    while hall.health()["waiting"] != CALLS:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    steer.came.clear()
    await hall.ready("0")
    await steer.came.wait()
    steer.took.clear()
    for number in range(CALLS - 100):
        channel, seat, offer, agent = steer.last
        call_id = f"n1-{channel[1:]}"
        hall.signal(Answered(call_id, offer, agent, seat, f"PJSIP/0-{number}"))
        await asyncio.sleep(0.004)
        steer.came.clear()
        steer.since["freed"] = time.perf_counter()
        hall.signal(Gone(call_id, f"PJSIP/0-{number}", False, seat, 16))
        await steer.came.wait()
        hall.signal(Gone(call_id, channel, True, "", 16))
    assert told(f"agent free → redirect, {CALLS} waiting", steer.took) < 20
    assert rate > 500
    await hall.stop()
    await redis.aclose()
