"""The waiting music: the same everywhere, loud enough to be heard and never clipped."""

from pathlib import Path

import numpy as np
import pytest

from ivr.music import PEAK, RATE, build, compose

pytestmark = pytest.mark.unit


def test_music_lasts_a_minute_and_never_clips() -> None:
    samples = compose()
    assert 60 <= len(samples) / RATE <= 70
    assert np.max(np.abs(samples)) == pytest.approx(PEAK)
    assert np.isfinite(samples).all()


def test_music_has_no_silent_stretch_that_would_sound_like_a_dead_line() -> None:
    samples = compose()
    energy = np.sqrt(np.mean(samples[: len(samples) // RATE * RATE].reshape(-1, RATE) ** 2, axis=1))
    assert (energy < PEAK / 500).sum() <= 2


def test_building_again_leaves_the_file_alone(tmp_path: Path) -> None:
    first = build(tmp_path)
    before = first.stat().st_mtime_ns
    assert build(tmp_path) == first
    assert first.stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == ["waiting.alaw"]
