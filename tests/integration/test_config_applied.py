"""A city is put into force while citizens talk and wait: they notice nothing, the next caller meets the new one.

A wrong city changes nothing, and a platform whose engine is killed after it comes back with what is in force.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.integration.platform import Platform, started
from tests.integration.telephones import Telephones, citizen
from tests.waiting import soon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

NEW_LINE = """\
id: "12388"
numbers: ["12388"]
name: 举报热线
owner_unit: hotline_center
greeting: greeting_rehearsal
comfort: comfort
queue: general
"""


@pytest.fixture
def telephones() -> Telephones:
    return Telephones(talk_seconds=120.0)


@pytest.fixture
def platform(telephones: Telephones, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    running = Platform(Path(tmp_path_factory.mktemp("applied")), seats_at=telephones.host, wrap_up_seconds=0)
    with started(running):
        yield running


def resolved(platform: Platform, number: str) -> list[str]:
    """Return the hotline of each call to a number, in the order in which they came."""
    dialed = {
        fact["call_id"] for fact in platform.facts("call_arrived") if fact["data"]["dialed_number"] == number
    }
    return [
        fact["data"]["hotline"] for fact in platform.facts("hotline_resolved") if fact["call_id"] in dialed
    ]


async def test_a_new_city_comes_into_force_under_calls_that_are_up(
    platform: Platform, ringing: Telephones, tmp_path: Path
) -> None:
    sip_port = platform.ports["sip"]["port"]
    platform.ok("agent", "sign-in", "1001")
    platform.ok("agent", "ready", "1001")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(citizen(tmp_path, "talking", sip_port))
        await soon(lambda: ringing.seats.counts["answered"] == 1, "the agent talks to the first")
        await stack.enter_async_context(citizen(tmp_path, "waiting", sip_port))
        await soon(lambda: len(platform.facts("queued")) == 2, "the second waits")
        waiting = platform.facts("queued")[1]["call_id"]
        channels = platform.asterisk("core show channels concise")
        recording = next((platform.home / "recordings").rglob("citizen.wav"))

        (platform.city / "hotlines" / "12388.yaml").write_text(NEW_LINE, encoding="utf-8")
        seats = platform.city / "agents.yaml"
        seats.write_text(
            seats.read_text(encoding="utf-8").replace("seats:\n", 'seats:\n- {ext: "1801", name: 新座}\n', 1),
            encoding="utf-8",
        )
        said = platform.ok("config", "apply")
        assert "hotline 12388 added (hotlines/12388.yaml:1)" in said
        assert "seat 1801 added" in said
        assert "engine " in said.splitlines()[-1]
        size = recording.stat().st_size
        await soon(lambda: recording.stat().st_size > size + 8000, "the recording goes on")
        names = {line.partition("!")[0] for line in channels.splitlines() if line.strip()}
        now = {
            line.partition("!")[0] for line in platform.asterisk("core show channels concise").splitlines()
        }
        assert names <= now, "no channel was lost"
        assert platform.waiting("general") == [waiting]
        assert "1801" in platform.asterisk("pjsip show endpoints")

        async with citizen(tmp_path, "new", sip_port, number="12388"):
            await soon(lambda: resolved(platform, "12388") == ["12388"], "the new number is answered")

        # A wrong city: told, and nothing else.
        wrong = NEW_LINE.replace("queue: general", "queue: genral").replace("12388", "12377")
        (platform.city / "hotlines" / "12377.yaml").write_text(wrong, encoding="utf-8")
        refused = platform.yht("config", "apply")
        assert refused.returncode == 1
        assert 'hotlines/12377.yaml:7: queue: there is no queue "genral"' in refused.stderr
        assert "what was in force stays" in refused.stderr

        # Even an engine that starts now does not read the half-edited files.
        killed = platform.pid("engine")
        os.kill(killed, signal.SIGKILL)
        await soon(lambda: platform.pid("engine") not in (0, killed), "the engine is started again", 30)
        async with citizen(tmp_path, "again", sip_port, number="12388"):
            await soon(lambda: resolved(platform, "12388") == ["12388"] * 2, "answered as before", 30)
        assert not platform.facts("fallback_entered")
        # SIPp's citizens hang up no call: who is left is hung up here.
        platform.asterisk("channel request hangup all")
    await soon(lambda: platform.channels() == 0, "everybody has hung up", 30)


async def test_what_needs_a_restart_is_refused_by_name(platform: Platform) -> None:
    settings = platform.city / "platform.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("node: n1", "node: n2"), encoding="utf-8"
    )
    refused = platform.yht("config", "apply")
    assert refused.returncode == 1
    assert "node: takes effect by a restart only" in refused.stderr


async def test_a_batch_takes_effect_on_its_day_and_is_rolled_back(platform: Platform, tmp_path: Path) -> None:
    sip_port = platform.ports["sip"]["port"]
    engine = platform.pid("engine")

    def plans() -> list[str]:
        return [
            fact["data"]["plan"]
            for fact in platform.facts("hotline_resolved")
            if fact["data"]["hotline"] == "drill_batch"
        ]

    async def dial(name: str, expected: list[str]) -> None:
        async with citizen(tmp_path, name, sip_port, number="19020"):
            await soon(lambda: plans() == expected, f"{expected[-1]} for {name}")

    batch = platform.city / "batches" / "drill.yaml"
    starts = datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None) + timedelta(seconds=25)
    batch.write_text(
        batch.read_text(encoding="utf-8").replace("2026-01-01", starts.isoformat(timespec="seconds")),
        encoding="utf-8",
    )
    assert "waits for its day" in platform.ok("batch", "apply", "drill")
    await dial("before", ["prompt"])
    await soon(lambda: platform.json("batch", "list")[0]["state"] == "in force", "its day comes", 40)
    await dial("on the day", ["prompt", "queue"])
    said = platform.ok("batch", "rollback", "drill")
    assert "batch drill changed: applied (batches/drill.yaml:1)" in said
    await dial("rolled back", ["prompt", "queue", "prompt"])
    assert platform.pid("engine") == engine, "with no restart"
    platform.asterisk("channel request hangup all")
