"""faster-whisper: for whole recordings, not for live speech.

Guards (docs/speech.md tells what each prevents): voice activity first, because on silence it invents text;
temperature 0 and no text carried over, because one bad stretch otherwise spoils the next; a bound on the
length of what it writes; Simplified characters always; always a folder, never a name to download.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recorder.speech.audio import at_16k, read
from recorder.speech.base import EngineName, Segment, Span, SpeechError, Stretches, Word
from recorder.speech.models import missing_whisper_files
from recorder.speech.written import written

WINDOW_SECONDS = 30.0
"""Whisper hears in windows of this length."""
TOKENS_PER_SECOND = 10
_MOST_TOKENS = 224
"""Half of the decoder's 448, all that is left beside the longest prompt."""


def most_tokens(seconds: float) -> int:
    """How much text one window of a clip may give: fast Mandarin is 6 syllables a second, under 10 tokens."""
    return min(_MOST_TOKENS, 16 + math.ceil(TOKENS_PER_SECOND * min(seconds, WINDOW_SECONDS)))


class WhisperEngine:
    """One model on the CPU with 8-bit weights, about 575 MB for the base model. Raises SpeechError."""

    name: EngineName = "faster-whisper"
    stretches = Stretches(gap_ms=8_000, longest_ms=28_000)
    """It pays for a window of 30 s however little is in it, and leaves out silence within by itself."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        if missing := missing_whisper_files(folder):
            raise SpeechError(f"{folder} is no faster-whisper model: {', '.join(missing)} is missing")
        from faster_whisper import WhisperModel

        try:
            self._model: Any = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except Exception as error:  # tokenizers raises nothing more precise
            raise SpeechError(f"the model in {folder} can not be loaded: {error}") from error
        self.model = folder.name
        self.languages = frozenset(self._model.supported_languages)

    def transcribe(self, file: Path, spans: Sequence[Span], language: str) -> tuple[Segment, ...]:
        """See `Engine.transcribe`."""
        if language not in self.languages:
            raise SpeechError(f"the model {self.model} does not know the language {language!r}")
        found: list[Segment] = []
        for span in spans:
            samples, rate = read(file, span)
            if len(samples) < rate // 10:
                continue
            segments, _ = self._model.transcribe(
                at_16k(samples, rate),
                language=language,
                task="transcribe",
                beam_size=5,
                temperature=0.0,
                condition_on_previous_text=False,
                vad_filter=True,
                word_timestamps=True,
                max_new_tokens=most_tokens(len(samples) / rate),
            )
            found += [made.shifted(span.from_ms) for one in segments if (made := _segment(one, language))]
        return tuple(found)


def _segment(raw: Any, language: str) -> Segment | None:
    text = written(raw.text.strip(), language)
    if not text:
        return None
    words = tuple(
        Word(
            round(word.start * 1000),
            round(word.end * 1000),
            written(word.word.strip(), language),
            round(float(word.probability), 3),
        )
        for word in raw.words or ()
    )
    confidence = math.exp(min(0.0, raw.avg_logprob))
    return Segment(round(raw.start * 1000), round(raw.end * 1000), text, round(float(confidence), 3), words)
