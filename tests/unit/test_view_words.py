"""Moments, lengths and telephone numbers as a person reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.app.views.words import Names, length, mask, offset, since

pytestmark = pytest.mark.unit

NOON = 1_795_579_200_000_000  # 2026-11-25T12:00+08:00
HOUR = 3_600_000_000
SHANGHAI = "Asia/Shanghai"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800000001", "138****0001"),
        ("+8613800000001", "+86138****0001"),
        ("008613800000001", "0086138****0001"),
        ("075012345678", "075****5678"),
        ("3301234", "33****34"),
        ("12345", "12345"),
        ("1001", "1001"),
        ("", ""),
        ("anonymous 13800000001", "****"),
        ("'; DROP TABLE", "****"),
    ],
)
def test_a_number_is_masked_in_the_middle_and_rubbish_altogether(number: str, shown: str) -> None:
    assert mask(number, full=False) == shown
    assert mask(number, full=True) == number


@given(st.from_regex(r"(\+86|0086|\+)?[0-9]{6,20}", fullmatch=True))
def test_a_masked_number_never_tells_more_than_seven_of_its_digits(number: str) -> None:
    shown = mask(number, full=False).replace("+86", "", 1).replace("0086", "", 1)
    assert "****" in shown
    assert len(re.sub(r"[^0-9]", "", shown)) <= 7


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0, "00:00.0"),
        (3249, "00:03.2"),
        (61_000, "01:01.0"),
        (3_600_000, "1:00:00.0"),
        (-1500, "-00:01.5"),
        (-20, "00:00.0"),
    ],
)
def test_an_offset_reads_as_a_clock(ms: int, shown: str) -> None:
    assert offset(ms) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (0, "0.0 s"),
        (4120, "4.1 s"),
        (59_949, "59.9 s"),
        (59_950, "1 min 0 s"),
        (65_000, "1 min 5 s"),
        (7_380_000, "2 h 3 min"),
    ],
)
def test_a_length_says_its_units(ms: int, shown: str) -> None:
    assert length(ms) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", NOON - HOUR // 2),
        ("2h", NOON - 2 * HOUR),
        ("3d", NOON - 72 * HOUR),
        ("today", NOON - 12 * HOUR),
        ("yesterday", NOON - 36 * HOUR),
        ("08:00", NOON - 4 * HOUR),
        ("2026-11-25", NOON - 12 * HOUR),
        ("2026-11-25T11:00", NOON - HOUR),
        ("2026-11-25T03:00Z", NOON - HOUR),
    ],
)
def test_since_is_read_in_the_citys_time(text: str, expected: int) -> None:
    assert since(text, NOON, SHANGHAI) == expected


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2026-13-01", "5 weeks"])
def test_a_moment_that_is_none_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"write 30m, 2h, 3d, today"):
        since(text, NOON, SHANGHAI)


def test_names_stand_beside_ids_and_nothing_stands_beside_what_is_not_known() -> None:
    names = Names(SHANGHAI, agents={"1001": "王芳"}, queues={"hall": "hall"}, hotlines={}, units={})
    assert (names.agent("1001"), names.agent("1002"), names.queue("hall")) == ("1001 王芳", "1002", "hall")
    assert names.moment(NOON) == "2026-11-25 12:00:00"
    assert names.iso(NOON) == "2026-11-25T12:00:00.000+08:00"
    assert (names.moment(None), names.iso(None)) == ("", None)
