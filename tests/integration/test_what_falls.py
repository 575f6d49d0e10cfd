"""What docs/call-flow.md promises when something falls: each part is killed while one talks and others wait."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cti.app.bench.sipp import Sipp
from tests.integration.platform import Platform, edit, started
from tests.integration.telephones import Sound, Telephones, citizen, key_one
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

LINE_A, LINE_B = "19001", "19002"
QUEUE_A = "rehearsal_a"
WHOLE = ("call_arrived", "hotline_resolved", "queued", "offered", "answered", "offer_ended", "call_ended")
LONG, SHORT = 120.0, 1.0
SECOND_BYTES = 16_000


@pytest.fixture(scope="module")
def telephones() -> Telephones:
    return Telephones(talk_seconds=LONG)


@pytest.fixture(scope="module")
def platform(telephones: Telephones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A city whose first queue has telephones and whose other queues have none."""
    running = Platform(
        Path(tmp_path_factory.mktemp("falls")),
        {"waiting": {"announce_seconds": 5}},
        seats_at=telephones.host,
        wrap_up_seconds=0,
    )

    def first(content: Any) -> None:
        content["queues"].sort(key=lambda queue: queue["id"] != QUEUE_A)

    def silent(content: Any) -> None:
        del content["comfort"]

    def without_telephone(content: Any) -> None:
        for seat in content["seats"]:
            if seat["ext"] > "1904" or seat["ext"] < "1901":
                del seat["contact"]

    edit(running.city / "queues.yaml", first)
    edit(running.city / "agents.yaml", without_telephone)
    for name in ("rehearsal_a", "rehearsal_b"):
        edit(running.city / "hotlines" / f"{name}.yaml", silent)
    with started(running):
        yield running


class Scene:
    """Citizens on the telephone, and who of the city answers them."""

    def __init__(
        self, platform: Platform, telephones: Telephones, folder: Path, stack: AsyncExitStack
    ) -> None:
        self.platform = platform
        self.telephones = telephones
        self.citizens: dict[str, Sipp] = {}
        self._folder = folder
        self._stack = stack

    async def agent(self, agent: str) -> None:
        """Let one agent wait for calls."""
        for step in ("sign-in", "ready"):
            await asyncio.to_thread(self.platform.ok, "agent", step, agent)

    async def start(self, number: str, sound: Sound | None = None) -> Sipp:
        """Let one citizen dial, who says `sound`."""
        port = self.platform.ports["sip"]["port"]
        name = f"{number}-{time.monotonic_ns()}"
        return await self._stack.enter_async_context(
            citizen(self._folder, name, port, number, within=150.0, sound=sound)
        )

    async def dial(self, number: str, kind: str = "queued", sound: Sound | None = None) -> str:
        """Let one citizen dial; return the call's id once the fact `kind` of it is stored."""
        before = self._calls(kind)
        process = await self.start(number, sound)
        await soon(lambda: self._calls(kind) - before, f"a call to {number} is {kind}", 60)
        (call_id,) = self._calls(kind) - before
        self.citizens[call_id] = process
        return call_id

    async def talks(self, agent: str) -> tuple[str, Path]:
        """Let one citizen dial and talk to an agent; return the call's id and the citizen's recording."""
        self.telephones.talk_seconds = LONG
        await self.agent(agent)
        call_id = await self.dial(LINE_A, "answered")
        return call_id, next((self.platform.home / "recordings").rglob(f"{call_id}/citizen.wav"))

    def _calls(self, kind: str) -> set[str]:
        return {fact["call_id"] for fact in self.platform.facts(kind)}

    def kinds(self, call_id: str) -> Counter[str]:
        """Count the facts of a call by kind."""
        return Counter(fact["kind"] for fact in self.platform.facts(call_id=call_id))

    async def has(self, call_id: str, kind: str) -> None:
        """Wait until a call has one fact of a kind."""
        await soon(lambda: self.kinds(call_id)[kind] == 1, f"{kind} of {call_id}", 60)

    async def served(self, *call_ids: str) -> None:
        """Wait until the citizens have talked and been hung up on, as is right."""
        for call_id in call_ids:
            counted = await self.citizens[call_id].finished()
            assert (counted.good, counted.failed) == (1, 0), f"{call_id}: {counted.first_error}"
        await soon(
            lambda: all(self.kinds(call_id)["call_ended"] for call_id in call_ids),
            "their ends are stored",
            30,
        )

    async def good(self) -> None:
        """Wait until all is up."""
        await soon(lambda: self.platform.yht("status").returncode == 0, "all is up again", 60)


@pytest.fixture
async def scene(platform: Platform, telephones: Telephones, tmp_path: Path) -> AsyncIterator[Scene]:
    async with telephones, AsyncExitStack() as stack:
        yield Scene(platform, telephones, tmp_path, stack)


def size_of(file: Path) -> int:
    return file.stat().st_size


async def goes_on(recording: Path) -> None:
    """Wait until another second was recorded."""
    size = size_of(recording)
    await soon(lambda: size_of(recording) > size + SECOND_BYTES, "the recording goes on", 30)


def quiet_seconds(recording: Path) -> int:
    """Return how many seconds of a recording that is being written hold no sound, but for the first and last."""
    samples = recording.read_bytes()[44:]
    whole = len(samples) // SECOND_BYTES * SECOND_BYTES
    seconds = np.frombuffer(samples[:whole], dtype="<i2").astype(np.float64).reshape(-1, 8000)[2:-2]
    return int(np.count_nonzero(np.sqrt(np.mean(seconds**2, axis=1)) < 300))


async def sealed(platform: Platform, call_id: str) -> dict[str, Any]:
    """Return what a recording was sealed as."""
    await soon(lambda: platform.facts("recording_sealed", call_id), "the recording is sealed", 60)
    found: dict[str, Any] = platform.json("recording", "show", call_id)
    return found


def kill(platform: Platform, name: str) -> int:
    """Kill a process and return the pid it had."""
    pid = platform.pid(name)
    os.kill(pid, signal.SIGKILL)
    return pid


async def again(platform: Platform, name: str, killed: int) -> None:
    """Wait until a process does its work again."""

    def is_ready() -> bool:
        known = platform.process(name)
        return bool(known["state"] == "ready" and known["pid"] != killed)

    await soon(is_ready, f"{name} is ready again", 60)


class Kept:
    """Keeps the supervisor from starting anything again, for as long as the block lasts."""

    def __init__(self, platform: Platform) -> None:
        text = (platform.home / "run" / "supervisor.json").read_text(encoding="utf-8")
        self._pid: int = json.loads(text)["pid"]

    def __enter__(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def __exit__(self, *_: object) -> None:
        os.kill(self._pid, signal.SIGCONT)


async def test_killing_ledger_transcriber_desk_and_redis_costs_no_call_anything(
    platform: Platform, scene: Scene
) -> None:
    talking, recording = await scene.talks("1901")
    waiting = [await scene.dial(LINE_A)]
    for name in ("ledger", "transcriber", "desk", "redis"):
        killed = kill(platform, name)
        new = asyncio.create_task(scene.dial(LINE_A))
        await goes_on(recording)
        await again(platform, name, killed)
        waiting.append(await new)
        await soon(lambda: platform.waiting(QUEUE_A) == waiting, f"all keep their places without {name}", 30)
        assert platform.agent_state("1901") == "talking"
    await scene.good()
    assert platform.channels() == 2 + len(waiting)

    assert quiet_seconds(recording) == 0, "every second of the talk is there"
    scene.telephones.talk_seconds = SHORT
    await asyncio.to_thread(platform.hang_up_seat, "1901")
    await scene.served(talking, *waiting)
    assert [fact["call_id"] for fact in platform.facts("offered")] == [talking, *waiting]
    for call_id in (talking, *waiting):
        kinds = scene.kinds(call_id)
        assert {kind: kinds[kind] for kind in WHOLE} == dict.fromkeys(WHOLE, 1), call_id
        await scene.has(call_id, "case_opened")
    assert (await sealed(platform, talking))["state"] == "sealed"
    platform.ok("recording", "verify")


async def test_with_every_engine_gone_the_static_queue_answers_and_at_last_the_callback_script(
    platform: Platform, scene: Scene
) -> None:
    talking, recording = await scene.talks("1901")
    waiting = await scene.dial(LINE_A)
    without_seat = await scene.dial(LINE_B, sound=key_one())
    with Kept(platform):
        kill(platform, "engine")
        scene.telephones.talk_seconds = SHORT
        new = await scene.dial(LINE_A, "fallback_entered")
        await scene.served(new, waiting)
        await goes_on(recording)
        assert scene.kinds(new)["hotline_resolved"] == 0, "nobody could tell which hotline it is"
        for call_id in (new, waiting):
            steps = [fact["data"]["step"] for fact in platform.facts("fallback_entered", call_id)]
            assert steps == ["static_queue"]

        def steps_without_seat() -> list[str]:
            return [fact["data"]["step"] for fact in platform.facts("fallback_entered", without_seat)]

        await soon(lambda: steps_without_seat() == ["static_queue", "callback"], "the script is asked", 30)
        await scene.served(without_seat)
        assert quiet_seconds(recording) == 0
        await asyncio.to_thread(platform.hang_up_seat, "1901")
        await scene.served(talking)
    await scene.good()
    await soon(lambda: platform.live_calls() == set(), "the engine learns who has gone", 30)
    await soon(lambda: platform.agent_state("1901") == "ready", "and that the agent is free", 30)
    await scene.has(without_seat, "case_opened")
    assert (platform.home / "callbacks" / "done" / f"{without_seat}.json").is_file()
    for call_id in (talking, waiting, without_seat, new):
        kinds = scene.kinds(call_id)
        assert (kinds["call_arrived"], kinds["call_ended"], kinds["recording_started"]) == (1, 1, 1)
    assert {kind: scene.kinds(talking)[kind] for kind in WHOLE} == dict.fromkeys(WHOLE, 1)
    assert (await sealed(platform, talking))["state"] == "sealed"


async def test_with_redis_gone_for_long_the_static_queue_answers(platform: Platform, scene: Scene) -> None:
    await asyncio.to_thread(platform.ok, "agent", "not-ready", "1901")
    waiting = await scene.dial(LINE_A)
    scene.telephones.talk_seconds = SHORT
    with Kept(platform):
        kill(platform, "redis")
        process = await scene.start(LINE_A)
        for caller in (scene.citizens[waiting], process):
            counted = await caller.finished()
            assert (counted.good, counted.failed) == (1, 0), counted.first_error
    await scene.good()
    await soon(lambda: platform.live_calls() == set(), "the engine learns who has gone", 30)
    ended = [fact["call_id"] for fact in platform.facts("call_ended")]
    assert waiting in ended
    for call_id in ended[-2:]:
        kinds = scene.kinds(call_id)
        for kind in ("call_arrived", "hotline_resolved", "queued", "fallback_entered", "call_ended"):
            assert kinds[kind] == 1, f"{kind} of {call_id}: {kinds}"
    assert platform.agent_state("1901") == "not_ready"


async def test_what_was_said_until_asterisk_was_killed_is_kept_and_its_calls_are_closed(
    platform: Platform, scene: Scene
) -> None:
    talking, recording = await scene.talks("1903")
    waiting = await scene.dial(LINE_A)
    await goes_on(recording)
    await goes_on(recording)
    size = size_of(recording)
    killed = kill(platform, "asterisk")
    assert quiet_seconds(recording) == 0
    await again(platform, "asterisk", killed)
    for call_id in (talking, waiting):
        await scene.has(call_id, "call_ended")
        (end,) = platform.facts("call_ended", call_id)
        assert end["data"]["lost"] is True
        kinds = scene.kinds(call_id)
        assert kinds["leg_started"] == kinds["leg_ended"], "and every leg of it"
    await soon(lambda: platform.live_calls() == set(), "nobody waits any more", 30)
    assert platform.waiting(QUEUE_A) == []
    await soon(lambda: platform.agent_state("1903") == "ready", "the agent is free", 30)
    found = await sealed(platform, talking)
    assert found["state"] == "repaired"
    assert found["duration_ms"] >= (size - 44) // 16

    await asyncio.to_thread(platform.ok, "agent", "sign-out", "1903")
    await scene.agent("1904")
    scene.telephones.talk_seconds = SHORT
    new = await scene.dial(LINE_A, "answered")
    await scene.served(new)
    assert {kind: scene.kinds(new)[kind] for kind in WHOLE} == dict.fromkeys(WHOLE, 1)
    await asyncio.to_thread(platform.ok, "agent", "sign-out", "1904")


async def test_without_a_supervisor_everything_goes_on(platform: Platform, scene: Scene) -> None:
    talking, recording = await scene.talks("1902")
    waiting = await scene.dial(LINE_A)
    state = json.loads((platform.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
    os.kill(state["pid"], signal.SIGKILL)
    new = await scene.dial(LINE_A)
    await goes_on(recording)
    assert platform.waiting(QUEUE_A) == [waiting, new]
    scene.telephones.talk_seconds = SHORT
    await asyncio.to_thread(platform.hang_up_seat, "1902")
    await scene.served(talking, waiting, new)
    assert [fact["call_id"] for fact in platform.facts("offered")][-3:] == [talking, waiting, new]
    assert (await sealed(platform, talking))["state"] == "sealed"
