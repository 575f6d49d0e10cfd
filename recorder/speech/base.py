"""What a speech engine is: a file or a stream of one speaker in, text with times out.

Times are milliseconds from the start of what the engine was given. Confidence is 0 to 1, the engine's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

EngineName = Literal["vosk", "faster-whisper", "sherpa-onnx"]


class SpeechError(Exception):
    """An engine can not do this; the message says why. `retryable`: another try may well succeed."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Word:
    """One word and when it was said."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Segment:
    """One stretch of speech; `words` is empty where the engine tells none."""

    start_ms: int
    end_ms: int
    text: str
    confidence: float
    words: tuple[Word, ...] = ()

    def shifted(self, ms: int) -> Segment:
        """The same, `ms` later."""
        return replace(
            self,
            start_ms=self.start_ms + ms,
            end_ms=self.end_ms + ms,
            words=tuple(
                replace(word, start_ms=word.start_ms + ms, end_ms=word.end_ms + ms) for word in self.words
            ),
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a recording to transcribe, from `from_ms` up to `to_ms`."""

    from_ms: int
    to_ms: int

    @property
    def ms(self) -> int:
        """Its length."""
        return self.to_ms - self.from_ms


@dataclass(frozen=True, slots=True)
class Stretches:
    """How an engine likes its speech: pauses up to `gap_ms` within one stretch, which lasts up to `longest_ms`."""

    gap_ms: int
    longest_ms: int


@dataclass(frozen=True, slots=True)
class Partial:
    """What a stream makes of the phrase that is still being said; the next result replaces it."""

    text: str


Result = Partial | Segment


class Stream(Protocol):
    """One speaker, live. Chunks are 16-bit mono samples at the rate the stream was opened with."""

    def accept(self, chunk: bytes) -> Result | None:
        """Take 20 to 400 ms of sound. Returns a Segment when a phrase is over, else what is heard so far."""

    def finish(self) -> Segment | None:
        """End the stream and return its last phrase."""


class Engine(Protocol):
    """A loaded engine with one model."""

    name: EngineName
    model: str
    languages: frozenset[str]
    stretches: Stretches

    def transcribe(self, file: Path, spans: Sequence[Span], language: str) -> tuple[Segment, ...]:
        """Return what was said within `spans` of a mono WAV file, times from the file's start.

        Raises SpeechError.
        """
