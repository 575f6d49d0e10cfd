"""The callback script on a real Asterisk: a citizen who reached nobody leaves a number."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.agi import callback_request
from tests.integration.bare_asterisk import BareAsterisk
from tests.waiting import eventually

pytestmark = pytest.mark.integration

CLIPS = (
    *("callback_offer", "callback_enter", "callback_number", "callback_confirm", "callback_taken"),
    *("callback_failed", "digit_one", *(f"num_{digit}" for digit in range(10))),
)
QUIET = b"\xd5" * 1600
"""0.2 s of silence in A-law."""


def _dialplan(home: Path) -> str:
    script = f"AGI(callback_request,{home}/callbacks,${{CHANNEL(linkedid)}},{home}/prompts/callback_taken)"
    return f"""
[fallback]
exten => _X!,1,Set(CALLERID(num)=${{EXTEN}})
 same => n,Goto(known,1)
exten => nobody,1,Set(CALLERID(num)=anonymous)
 same => n,Goto(known,1)
exten => known,1,Answer()
 same => n,MSet(YHT_DIALED=12319,YHT_HOTLINE=12319,YHT_QUEUE=hall)
 same => n,{script}
 same => n,Verbose(0,THE SCRIPT IS OVER ${{AGISTATUS}})
 same => n,Hangup(16)
exten => h,1,Verbose(0,THE CALL IS OVER ${{AGISTATUS}})

[citizen]
exten => says1,1,Answer()
 same => n,SendDTMF(w1,200)
 same => n,Wait(30)
exten => keys,1,Answer()
 same => n,Wait(0.5)
 same => n,SendDTMF(87654321#ww1,200)
 same => n,Wait(30)
exten => goes,1,Answer()
 same => n,Wait(0.7)
 same => n,Hangup(16)
"""


class Citizens:
    """Lets citizens reach the fallback, and reads what they left."""

    def __init__(self, asterisk: BareAsterisk) -> None:
        self.asterisk = asterisk
        self.callbacks = asterisk.home / "callbacks"

    def call(self, number: str, does: str) -> None:
        self.asterisk.run(f"channel originate Local/{number}@fallback extension {does}@citizen")

    def is_over(self) -> bool:
        """Whether no call is left, and no script."""
        idle = "0 active channels" in self.asterisk.run("core show channels count")
        return idle and not list(self.callbacks.glob(".*"))

    def request(self) -> dict[str, Any]:
        """Return the one request there is, once it is there and the call is over."""
        eventually(lambda: list(self.callbacks.glob("*.json")) and self.is_over(), "one request")
        (file,) = self.callbacks.glob("*.json")
        request: dict[str, Any] = json.loads(file.read_text())
        assert file.name == f"{request['call_id']}.json"
        assert request["call_id"].startswith("t1-")
        file.unlink()
        return request


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareAsterisk]:
    home = tmp_path_factory.mktemp("asterisk")
    asterisk = BareAsterisk(home, _dialplan(home))
    for folder in ("callbacks", "prompts"):
        (home / folder).mkdir()
    for clip in CLIPS:
        (home / "prompts" / f"{clip}.alaw").write_bytes(QUIET)
    launcher = home / "lib/agi/callback_request"
    script = Path(callback_request.__file__)
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    launcher.chmod(0o700)
    asterisk.start()
    yield asterisk
    asterisk.kill()


@pytest.fixture
def citizens(running: BareAsterisk) -> Iterator[Citizens]:
    found = Citizens(running)
    yield found
    eventually(found.is_over, "no call and no half a file is left")
    assert "Traceback" not in running.log_text() + (running.home / "log/stdout").read_text()


def test_one_key_leaves_the_own_number(citizens: Citizens) -> None:
    citizens.call("13800138000", "says1")
    request = citizens.request()
    assert (request["caller_number"], request["number"]) == ("13800138000", "13800138000")
    assert (request["dialed_number"], request["hotline"], request["queue"]) == ("12319", "12319", "hall")


def test_a_citizen_without_a_number_keys_one_in(citizens: Citizens) -> None:
    citizens.call("nobody", "keys")
    request = citizens.request()
    assert (request["caller_number"], request["number"]) == ("", "87654321")


def test_a_clip_that_asterisk_can_not_play_costs_one_sentence(citizens: Citizens) -> None:
    offer = citizens.asterisk.home / "prompts/callback_offer.alaw"
    offer.rename(offer.with_suffix(".nothing"))
    try:
        citizens.call("13800138000", "says1")
        assert citizens.request()["number"] == "13800138000"
    finally:
        offer.with_suffix(".nothing").rename(offer)


def test_a_hangup_while_being_asked_leaves_nothing_behind(citizens: Citizens) -> None:
    before = citizens.asterisk.log_text().count("THE CALL IS OVER")
    citizens.call("13800138000", "goes")
    eventually(
        lambda: citizens.asterisk.log_text().count("THE CALL IS OVER") > before and citizens.is_over(),
        "the end",
    )
    assert list(citizens.callbacks.iterdir()) == []
    eventually(lambda: not _scripts(citizens.callbacks), "the script has ended")


def _scripts(callbacks: Path) -> list[str]:
    """Return the ids of the processes that run the script for these callbacks."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if str(callbacks).encode() in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found
