"""A transcript reads like the conversation was: each phrase at its time, in the marks of its language."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.speech.base import Segment, Word
from recorder.speech.written import written
from recorder.transcript import PAUSE_MS, merge, phrases

pytestmark = pytest.mark.unit


def said(*words: tuple[int, int, str]) -> Segment:
    found = tuple(Word(start, end, text, 0.9) for start, end, text in words)
    return Segment(found[0].start_ms, found[-1].end_ms, "".join(text for *_, text in words), 0.8, found)


def test_the_answer_stands_between_two_questions_that_an_engine_took_for_one() -> None:
    agent = said((0, 900, "坏了"), (900, 1200, "吗？"), (6000, 6900, "在哪里？"))
    citizen = said((2000, 3000, "坏了，"), (3100, 4000, "三天。"))
    lines = merge({"agent": [agent], "citizen": [citizen]})
    assert [(line.speaker, line.segment.text) for line in lines] == [
        ("agent", "坏了吗？"),
        ("citizen", "坏了，三天。"),
        ("agent", "在哪里？"),
    ]
    assert (lines[2].segment.start_ms, lines[2].segment.end_ms) == (6000, 6900)


def test_words_of_letters_keep_their_spaces_and_characters_have_none() -> None:
    parted = phrases(said((0, 100, "VIP"), (110, 200, "card"), (210, 300, "丢了"), (5000, 5100, "好")))
    assert [segment.text for segment in parted] == ["VIP card丢了", "好"]


def test_a_stretch_without_words_is_left_whole() -> None:
    segment = Segment(0, 60_000, "整段", 0.5)
    assert phrases(segment) == (segment,)


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 800)), min_size=1, max_size=40))
def test_parting_loses_no_word_and_leaves_no_pause_inside(gaps: list[tuple[int, int]]) -> None:
    at, words = 0, []
    for gap, length in gaps:
        words.append((at + gap, at + gap + length, "字"))
        at += gap + length
    parted = phrases(said(*words))
    assert [word for segment in parted for word in segment.words] == [Word(*word, 0.9) for word in words]
    for segment in parted:
        pairs = pairwise(segment.words)
        assert all(later.start_ms - earlier.end_ms < PAUSE_MS for earlier, later in pairs)


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        ("您好,請問有什麼可以幫您?", "您好，请问有什么可以帮您？"),
        ("电话是1,234,567", "电话是1,234,567"),
        ("下午3:20来", "下午3:20来"),
    ],
)
def test_mandarin_is_written_in_simplified_characters_and_chinese_marks(heard: str, text: str) -> None:
    assert written(heard, "zh") == text


def test_other_languages_are_left_as_they_are() -> None:
    assert written("hello, world", "en") == "hello, world"
