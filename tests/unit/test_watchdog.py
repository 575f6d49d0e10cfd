"""A process that hangs is found by its silence, and nobody else is."""

from __future__ import annotations

import pytest

from cti.app.supervisor.watchdog import SILENT_TICKS, Watchdog

pytestmark = pytest.mark.unit


def test_who_falls_silent_is_told_once() -> None:
    watchdog = Watchdog()
    watchdog.heard("engine")
    told = [watchdog.tick() for _ in range(3 * SILENT_TICKS)]
    assert told[SILENT_TICKS] == ("engine",)
    assert sum(map(len, told)) == 1


def test_who_goes_on_telling_is_never_taken_for_hung() -> None:
    watchdog = Watchdog()
    for _ in range(5 * SILENT_TICKS):
        watchdog.heard("ledger")
        assert watchdog.tick() == ()


def test_who_has_not_told_anything_yet_or_has_ended_is_not_watched() -> None:
    watchdog = Watchdog()
    watchdog.heard("desk")
    watchdog.forget("desk")
    assert [watchdog.tick() for _ in range(2 * SILENT_TICKS)] == [()] * (2 * SILENT_TICKS)


def test_a_supervisor_that_slept_for_an_hour_counts_one_tick() -> None:
    watchdog = Watchdog()
    watchdog.heard("engine")
    assert watchdog.tick() == ()
