"""The ear: levels, speech that starts and ends, clips that are recognised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk.phone import SoundError, Vad, level_db
from desk.phone.sound import FLOOR_DB, FRAME_BYTES, FRAME_MS, FRAME_SAMPLES, RATE, SILENCE, frames
from desk.robot.recognise import Recogniser, compare, key_of

pytestmark = pytest.mark.unit


def tone(seconds: float, hz: float = 440.0, peak: float = 8000.0) -> bytes:
    at = np.arange(int(seconds * RATE)) / RATE
    return (peak * np.sin(2 * np.pi * hz * at)).astype(np.int16).tobytes()


def babble(seconds: float, seed: int, peak: float = 9000.0) -> bytes:
    """Coloured noise in syllables: as unlike itself from moment to moment as speech is."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.normal(size=int(seconds * RATE)), np.ones(6) / 6, mode="same")
    syllables = 0.3 + np.abs(np.sin(np.arange(noise.size) / RATE * 2 * np.pi * 2.3 + seed))
    wave = noise * syllables
    return (wave / np.abs(wave).max() * peak).astype(np.int16).tobytes()


def a_law(samples: bytes) -> bytes:
    """What A-law leaves of samples: a step of a sixteenth of their size."""
    values = np.frombuffer(samples, dtype=np.int16).astype(np.float64)
    size = np.maximum(np.abs(values), 256.0)
    step = 2.0 ** np.floor(np.log2(size)) / 16
    return ((np.floor(values / step) + 0.5) * step).clip(-32768, 32767).astype(np.int16).tobytes()


def changes(levels: list[float], vad: Vad | None = None) -> list[tuple[int, str]]:
    vad = vad or Vad()
    found = []
    for at, level in enumerate(levels):
        vad, change = vad.hear(level)
        if change:
            found.append((at * FRAME_MS, change))
    return found


def test_silence_has_the_lowest_level_and_a_full_scale_square_wave_the_highest() -> None:
    assert level_db(SILENCE) == FLOOR_DB == level_db(b"")
    assert level_db(np.full(FRAME_SAMPLES, -32768, dtype=np.int16).tobytes()) == 0.0


def test_half_the_amplitude_is_six_decibels_less() -> None:
    assert level_db(tone(0.1, peak=4000)) == pytest.approx(level_db(tone(0.1, peak=8000)) - 6.02, abs=0.1)


def test_samples_are_cut_into_whole_frames_and_the_last_is_filled_up() -> None:
    cut = frames(b"\1\2" * (FRAME_SAMPLES + 1))
    assert [len(frame) for frame in cut] == [FRAME_BYTES, FRAME_BYTES]
    assert cut[1] == b"\1\2" + bytes(FRAME_BYTES - 2)


def test_a_word_between_two_silences_starts_and_ends_once() -> None:
    levels = [-70.0] * 50 + [-20.0] * 40 + [-70.0] * 50
    assert changes(levels) == [(1040, "started"), (2020, "ended")]


def test_a_click_is_no_speech_and_the_gap_between_two_words_is_no_end() -> None:
    assert changes([-70.0] * 20 + [-10.0] * 2 + [-70.0] * 50) == []
    assert len(changes([-20.0] * 30 + [-70.0] * 8 + [-20.0] * 30)) == 1


def test_a_voice_that_fades_goes_on_until_it_is_clearly_gone() -> None:
    assert [what for _, what in changes([-30.0] * 20 + [-49.0] * 100)] == ["started"]
    assert [what for _, what in changes([-49.0] * 100)] == []


def test_speech_must_stand_clear_of_the_noise_of_the_line() -> None:
    noisy = [-47.0] * 1000
    assert changes(noisy + [-42.0] * 50) == []
    assert len(changes(noisy + [-25.0] * 50)) == 1


@given(st.lists(st.floats(FLOOR_DB, 0.0), max_size=300))
def test_starts_and_ends_alternate_whatever_is_heard(levels: list[float]) -> None:
    found = [what for _, what in changes(levels)]
    assert found == ["started", "ended"] * (len(found) // 2) + ["started"] * (len(found) % 2)


def heard_at(clip: bytes, sound: bytes) -> list[int]:
    """Return after how many milliseconds the clip was recognised."""
    listening, found = Recogniser.of(clip), []
    for at, frame in enumerate(frames(sound)):
        listening, heard = listening.hear(frame)
        if heard:
            found.append((at + 1) * FRAME_MS)
    return found


def test_a_clip_is_recognised_when_its_end_was_heard_through_a_codec_and_at_another_volume() -> None:
    clip = babble(2.0, seed=1)
    quieter = (np.frombuffer(clip, dtype=np.int16) * 0.3).astype(np.int16).tobytes()
    sound = SILENCE * 37 + a_law(quieter) + SILENCE * 50
    ends = 37 * FRAME_MS + 2000
    assert heard_at(clip, sound)[0] in range(ends - FRAME_MS, ends + 200)


def test_a_clip_cut_short_and_other_speech_are_not_recognised() -> None:
    clip = babble(2.0, seed=1)
    assert heard_at(clip, clip[: -len(clip) // 4] + SILENCE * 50) == []
    assert heard_at(clip, babble(5.0, seed=2)) == []
    assert heard_at(clip, SILENCE * 200) == []


def test_a_clip_is_recognised_though_a_busy_machine_lost_and_repeated_some_of_it() -> None:
    clip = babble(2.0, seed=1)
    cut = frames(clip)
    slipped = [*cut[:60], cut[59], cut[59], *cut[60:72], *cut[73:85], SILENCE, *cut[85:]]
    assert heard_at(clip, b"".join(slipped) + SILENCE * 50)[0] in range(1880, 2400)


def test_a_clip_whose_last_breath_was_cut_by_a_hangup_was_heard() -> None:
    clip = babble(2.0, seed=1)
    listening = Recogniser.of(clip)
    for frame in frames(clip)[:-7]:
        listening, _ = listening.hear(frame)
    assert listening.last()


def test_silence_around_a_clip_does_not_belong_to_its_key() -> None:
    clip = babble(1.5, seed=3)
    found = compare(key_of(SILENCE * 30 + clip + SILENCE * 30), clip)
    assert (found.share, found.last) == (1.0, True)


def test_a_clip_with_nothing_to_hear_is_refused() -> None:
    with pytest.raises(SoundError, match="no sound"):
        key_of(SILENCE * 100)
