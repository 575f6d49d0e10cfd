"""What a transcript is: what both sides said, in the order they said it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal

from recorder.recording import SPEAKERS, Part, Recording, Side, Speaker
from recorder.speech.base import Segment, Span, Word
from recorder.speech.normal import normalised

State = Literal["done", "failed"]

PAUSE_MS: Final = 900
"""A silence this long ends a phrase: in it the other side may have spoken."""
_NO_SPACE: Final = re.compile(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")


@dataclass(frozen=True, slots=True)
class Line:
    """One stretch of speech by one speaker; times are milliseconds from the start of the recording."""

    speaker: Speaker
    segment: Segment


@dataclass(frozen=True, slots=True)
class Transcript:
    """The transcript of one contact. `why`: why not the first engine; `note`: what a person should know."""

    call_id: str
    state: State
    language: str
    engine: str
    model: str
    why: str
    note: str
    created_at: int
    audio_ms: int
    took_ms: int
    lines: tuple[Line, ...] = ()


def spans(recording: Recording, speaker: Speaker) -> tuple[Span, ...]:
    """Return the stretches of one side to transcribe: where a citizen and an agent talked.

    Music, announcements and ringing lie outside of the parts. Nothing of a side that is silent or can not be
    read. A recording of which no part is known (no facts) is taken whole.
    """
    side = recording.side(speaker)
    if not _usable(side):
        return ()
    talk = recording.parts or (Part("", "", 0, side.duration_ms),)
    joined: list[Span] = []
    for part in sorted(talk, key=lambda part: part.from_ms):
        start, end = part.from_ms, min(part.to_ms, side.duration_ms)
        if joined and start <= joined[-1].to_ms:
            joined[-1] = Span(joined[-1].from_ms, max(joined[-1].to_ms, end))
        elif end > start:
            joined.append(Span(start, end))
    return tuple(joined)


def _usable(side: Side) -> bool:
    return side.state in ("sealed", "repaired") and not side.silent


def phrases(segment: Segment) -> tuple[Segment, ...]:
    """Part a stretch of speech at its pauses, so that what the other side said meanwhile finds its place.

    An engine may take a whole conversation's side for one stretch; only one that tells words can be parted.
    """
    groups: list[list[Word]] = []
    for word in segment.words:
        if groups and word.start_ms - groups[-1][-1].end_ms < PAUSE_MS:
            groups[-1].append(word)
        else:
            groups.append([word])
    if len(groups) < 2:
        return (segment,)
    return tuple(
        Segment(
            words[0].start_ms,
            words[-1].end_ms,
            _NO_SPACE.sub("", " ".join(word.text for word in words)),
            segment.confidence,
            tuple(words),
        )
        for words in groups
    )


def merge(said: Mapping[Speaker, Sequence[Segment]], language: str = "") -> tuple[Line, ...]:
    """Return both sides as one conversation, by the time each stretch began; the citizen first on a tie.

    Phrases are written as their language is (`recorder.speech.normal`); their words stay as they were heard.
    """
    lines: Iterable[Line] = chain.from_iterable(
        (
            Line(speaker, replace(phrase, text=normalised(phrase.text, language)))
            for segment in said.get(speaker, ())
            for phrase in phrases(segment)
        )
        for speaker in SPEAKERS
    )
    return tuple(sorted(lines, key=lambda line: (line.segment.start_ms, SPEAKERS.index(line.speaker))))
