"""Nothing personal reaches a log, and what an operator searches for still does."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from cti import log
from tests.unit.restored_logs import restored_logs as restored_logs

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "number",
    [
        "13800138000",
        "+8613800138000",
        "86 138 0013 8000",
        "0750-3123456",
        "07503123456",
        "3123456",
        "10086001",
    ],
)
@pytest.mark.parametrize("text", ["{}", "call from {}", "sip:{}@trunk", "<{}>", "号码{}。", "'{}'"])
def test_a_telephone_number_is_hidden_wherever_it_stands(number: str, text: str) -> None:
    masked = log.mask(text.format(number))
    assert number not in masked
    assert "*" * 5 in masked
    assert masked.count(number[-2:]) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "n1-1795536000.42",
        "1795536000.42",
        "2026/11/24/n1-1795536000.42",
        "PJSIP/8001-00000012",
        "2026-11-24T12:00:00",
        "12345",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "127.0.0.1:8080",
        "1795536000123456",
    ],
)
def test_ids_times_and_addresses_stay(text: str) -> None:
    assert log.mask(f"about {text} it was") == f"about {text} it was"


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_no_mobile_number_survives(number: str) -> None:
    entry = log.mask_personal(None, "info", {"event": f"from {number}", "deep": {"list": [f"<{number}>"]}})
    assert number not in json.dumps(entry)


def test_what_is_named_a_caller_is_hidden_whatever_it_is() -> None:
    entry = log.mask_personal(None, "info", {"event": "x", "caller": "Li Hua", "caller_number": 110})
    assert entry == {"event": "x", "caller": "******ua", "caller_number": "***"}


def test_a_name_of_ten_thousand_letters_is_cut() -> None:
    entry = log.mask_personal(None, "info", {"event": "x", "name": "é" * 10_000})
    assert len(entry["name"]) < log.MAX_TEXT + 50
    assert "10000 characters" in entry["name"]


def test_a_person_reads_one_short_line() -> None:
    line = log.short_line(
        None,
        "info",
        {"timestamp": "2026-11-24T12:34:56Z", "level": "warning", "event": "lost", "pid": 7, "why": "a b"},
    )
    assert line == "12:34:56 WARNING lost why=a b"


@pytest.mark.usefixtures("restored_logs")
def test_lines_of_ours_and_of_libraries_are_json_with_process_and_node(tmp_path: Path) -> None:
    path = log.set_up("engine", tmp_path, node="n1", foreground=False)
    structlog.get_logger("x").info("answered", call_id="n1-1795536000.42", text="from 13800138000")
    logging.getLogger("library").warning("no answer from %s", "13800138000")
    ours, theirs = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert (ours["process"], ours["node"], ours["event"]) == ("engine", "n1", "answered")
    assert ours["call_id"] == "n1-1795536000.42"
    assert theirs["level"] == "warning"
    assert "13800138000" not in json.dumps((ours, theirs))
