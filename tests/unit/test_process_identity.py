"""A process is its number and its start; what it says of itself is one datagram."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.app.notify import parse
from cti.app.supervisor import pids
from cti.app.supervisor.pids import ProcessId

pytestmark = pytest.mark.unit

AFTER_NAME = "S 1 812 812 0 -1 4194560 100 0 0 0 70 30 0 0 20 0 1 0 4711 1000000 250 1844674407"


@given(st.text(st.characters(exclude_characters="\0\n"), min_size=1, max_size=15))
def test_a_name_may_hold_anything_even_what_looks_like_the_end_of_a_name(name: str) -> None:
    stat = pids.parse_stat(f"812 ({name}) {AFTER_NAME}")
    assert stat == pids.Stat(812, name, "S", 1, 812, 100, 4711, 250)


@pytest.mark.parametrize("text", ["", "812", "812 (redis) S 1", "812 redis S 1 2 3"])
def test_half_a_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no line of"):
        pids.parse_stat(text)


def test_a_number_with_another_start_is_another_process() -> None:
    own = pids.identify(os.getpid())
    assert own is not None
    assert pids.is_alive(own)
    stranger = ProcessId(own.pid, own.started - 1)
    assert not pids.is_alive(stranger)
    assert not pids.send(stranger, signal.SIGKILL)


@given(st.binary(max_size=6000))
def test_no_datagram_breaks_the_reader(datagram: bytes) -> None:
    assert all(isinstance(value, str) for value in parse(datagram).values())


def test_a_message_is_read_line_by_line() -> None:
    assert parse(b"READY=1\nMAINPID=42\nnothing\nSTATUS=a=b") == {
        "READY": "1",
        "MAINPID": "42",
        "STATUS": "a=b",
    }
