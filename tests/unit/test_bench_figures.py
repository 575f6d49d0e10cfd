"""A measurement's numbers are counted rightly, and whether they are good enough is told from them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.app.bench import accounting, peer, plot, sipp
from cti.app.bench.figures import Figure, Growth, Invalid, as_json, median, quantile

pytestmark = pytest.mark.unit

_samples = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@given(_samples, st.floats(0, 1))
def test_a_quantile_is_a_sample_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = quantile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert all(sum(v <= lower for v in values) < share * len(values) for lower in values if lower < found)


@given(_samples)
def test_half_the_samples_lie_on_each_side_of_the_median(values: list[float]) -> None:
    middle = median(values)
    assert 2 * sum(value < middle for value in values) <= len(values)
    assert 2 * sum(value > middle for value in values) <= len(values)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="no values"):
        median([])
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile([1.0], 1.1)


@pytest.mark.parametrize(
    ("figure", "ratio", "held"),
    [
        (Figure("cpu_per_call", "ms", 15.0, 10.0, 3, limit=2.0), 1.5, True),
        (Figure("cpu_per_call", "ms", 25.0, 10.0, 3, limit=2.0), 2.5, False),
        (Figure("free_to_invite_p95", "ms", 30.0, 900.0, 3, limit=50.0, limit_on="ours"), 30 / 900, True),
        (Figure("held_cps", "calls/s", 60.0, 100.0, 1, limit=0.7, at_least=True), 0.6, False),
        (Figure("matching_rate_1000", "1/s", 6000.0, None, 1, 5000.0, "ours", at_least=True), None, True),
        (Figure("recording_cpu", "ms", 6.0, None, 1, limit=2.0), None, None),
        (Figure("free_to_invite_p50", "ms", 6.0, 0.0, 1), None, None),
    ],
)
def test_a_limit_is_judged_on_the_ratio_or_on_our_own_number(
    figure: Figure, ratio: float | None, held: bool | None
) -> None:
    assert figure.ratio == ratio
    assert figure.held is held


def test_latest_json_holds_the_six_keys_that_checks_read() -> None:
    written = json.loads(as_json([Figure("cpu_per_call", "ms", 14.123456, 10.0, 3, limit=2.0)]))
    assert written == {
        "figures": [
            {"name": "cpu_per_call", "unit": "ms", "ours": 14.12, "peer": 10.0, "ratio": 1.412, "n": 3}
        ]
    }


def test_cpu_time_is_read_whatever_the_name_of_the_program() -> None:
    tail = "S 7 " + " ".join(str(number) for number in range(2, 11)) + " 100 50 20 30 20 0 1 0 4711"
    assert accounting.parse_stat(f"42 (a) b (c) {tail}") == (7, pytest.approx(200 / accounting.TICKS))
    with pytest.raises(ValueError, match="not a line"):
        accounting.parse_stat("42 nothing")


def _process(pid: int, parent: int, *arguments: str) -> accounting.Process:
    return accounting.Process(pid, parent, arguments, 1.0)


def test_a_platform_is_its_marked_processes_and_their_children() -> None:
    home = "/tmp/bench/home"  # noqa: S108 - a name, not a file
    processes = [
        _process(30, 20, "/x/ld-linux.so.2", "/x/sbin/asterisk", "-C", f"{home}/etc/asterisk/asterisk.conf"),
        _process(20, 1, "python", "-m", "cti", "up", "--home", home),
        _process(31, 20, f"redis-server unixsocket:{home}/run/redis.sock"),
        _process(32, 20, "python", "-m", "cti", "run", "engine", "--home", home),
        _process(40, 30, "/bin/sh", "callback_request"),
        _process(41, 32, "helper"),
        _process(50, 1, "asterisk", "-C", "/elsewhere/asterisk.conf"),
        _process(51, 50, "sh"),
    ]
    assert accounting.members(processes, home) == {
        20: "supervisor",
        30: "asterisk",
        31: "redis",
        32: "engine",
        40: "asterisk",
        41: "engine",
    }


def test_what_was_spent_is_the_difference_largest_first() -> None:
    before = {"asterisk": 5.0, "engine": 1.0, "gone": 3.0}
    after = {"engine": 4.0, "asterisk": 5.5, "new": 0.25}
    assert list(accounting.spent(before, after).items()) == [
        ("engine", 3.0),
        ("asterisk", 0.5),
        ("new", 0.25),
    ]


STATISTICS = (
    "StartTime;SuccessfulCall(P);SuccessfulCall(C);FailedCall(C);FailedCannotSendMessage(C);"
    "FailedUnexpectedMessage(C);FailedTimeoutOnRecv(P);FailedTimeoutOnRecv(C);\n"
    "a;1;5;0;0;0;0;0;\n"
    "b;1;19;3;0;2;0;1;\n"
)


def test_sipps_last_line_counts_and_says_why_calls_failed() -> None:
    assert sipp.parse_counts(STATISTICS) == (19, 3, {"UnexpectedMessage": 2, "TimeoutOnRecv": 1})
    for text in ("", "A;B\n", "A;B\n1;2\n"):
        with pytest.raises(ValueError, match="no "):
            sipp.parse_counts(text)


def test_a_failed_call_and_no_call_at_all_make_a_measurement_invalid() -> None:
    sipp.Counted(20, 0, {}).check("callers")
    with pytest.raises(Invalid, match=r"callers: 3 of 22 calls failed \(2 × UnexpectedMessage\); first: 503"):
        sipp.Counted(19, 3, {"UnexpectedMessage": 2}, "503").check("callers")
    with pytest.raises(Invalid, match="not one call"):
        sipp.Counted(0, 0, {}).check("callers")


def test_the_peer_has_a_queue_for_each_size_with_the_first_so_many_seats() -> None:
    text = peer.queues(["3001", "3002", "3003"], [1, 3])
    small, large = text.split("[bench-3]")
    assert small.count("member =>") == 1
    assert large.count("member =>") == 3
    assert "match = 127.0.0.4" in peer.endpoints(["3001"], ("127.0.0.3", 5070), "127.0.0.4")


def test_a_chart_is_well_formed_and_refuses_what_a_logarithm_can_not_show() -> None:
    growth = Growth("matching", "a < b", "agents", "1/s", {"10 & more": ((100, 9000.0), (1000, 5000.0))})
    root = ElementTree.fromstring(plot.svg(growth))  # noqa: S314 - our own text
    assert root.tag.endswith("svg")
    for series in ({}, {"x": ((0.0, 1.0),)}):
        with pytest.raises(ValueError, match="above zero"):
            plot.svg(Growth("g", "t", "a", "b", series))
