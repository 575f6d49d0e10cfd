"""Where somebody speaks: from likelihoods to spans, and spans joined as an engine likes them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.speech.base import Span, Stretches
from recorder.speech.vad import CHUNK_MS, Ear, joined, speech

pytestmark = pytest.mark.unit

EAR = Ear(pad_ms=0)


def test_a_voice_is_heard_from_its_begin_to_its_end() -> None:
    likely = [0.0] * 50 + [0.9] * 40 + [0.0] * 50
    assert speech(likely, EAR) == (Span(50 * CHUNK_MS, 90 * CHUNK_MS),)


def test_a_short_pause_does_not_cut_a_sentence_and_a_fading_voice_goes_on() -> None:
    likely = [0.9] * 20 + [0.1] * 5 + [0.9] * 20 + [0.4] * 30 + [0.9] * 5
    assert speech(likely, EAR) == (Span(0, 80 * CHUNK_MS),)


def test_a_click_is_no_speech() -> None:
    assert speech([0.0] * 20 + [0.9] * 3 + [0.0] * 50, EAR) == ()


def test_a_voice_is_given_a_little_room_on_both_sides() -> None:
    [span] = speech([0.0] * 50 + [0.9] * 40 + [0.0] * 50, Ear(pad_ms=200))
    assert (span.from_ms, span.to_ms) == (50 * CHUNK_MS - 200, 90 * CHUNK_MS + 200)


def test_neighbours_are_joined_up_to_the_longest_an_engine_likes() -> None:
    spans = [Span(0, 1_000), Span(1_500, 2_000), Span(2_400, 9_000), Span(30_000, 31_000)]
    assert joined(spans, Stretches(500, 5_000)) == (Span(0, 2_000), Span(2_400, 9_000), Span(30_000, 31_000))


LIKELY = st.lists(st.floats(0, 1), max_size=200)


@given(LIKELY)
def test_speech_lies_within_the_sound_in_order_and_apart(likely: list[float]) -> None:
    spans = speech(likely)
    assert all(0 <= span.from_ms < span.to_ms <= len(likely) * CHUNK_MS for span in spans)
    assert all(one.to_ms < two.from_ms for one, two in pairwise(spans))


@given(LIKELY, st.integers(0, 5_000), st.integers(0, 30_000))
def test_joining_loses_no_speech(likely: list[float], gap: int, longest: int) -> None:
    spans = speech(likely)
    wider = joined(spans, Stretches(gap, longest))
    assert all(any(two.from_ms <= one.from_ms and one.to_ms <= two.to_ms for two in wider) for one in spans)
    assert len(wider) <= len(spans)
